"""Values become text: comment, terminal summary, findings in five formats. No IO, no clock, no decision."""
