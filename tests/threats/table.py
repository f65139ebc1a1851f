"""The threats that ftgate was built against, and the tests that hold each defence.

A row without tests is defended outside of this program; `assumed` says what SECURITY.md asks for instead.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """A threat and the ids of the tests that would fail if its defence were gone."""

    threat: str
    tests: tuple[str, ...] = ()
    assumed: str = ""


ATTACKS = "tests/threats/test_attacks.py::"
TRUST = "tests/decide/test_trust.py::"
BRANCHES = "tests/threats/test_branches.py::"
FACTS = "tests/edges/test_github_facts.py::"
VERDICT = "tests/stages/test_verdict.py::"
WAIVERS = "tests/decide/test_waivers.py::"
DOCTOR = "tests/decide/test_doctor.py::"
WORKFLOW = "tests/workflow/test_static.py::"
JOBS = "tests/workflow/test_gate.py::"

ROWS: dict[int, Row] = {
    1: Row(
        "a stranger starts training by a comment",
        (
            f"{TRUST}test_role_by_command_by_edit_by_commit",
            f"{TRUST}test_only_people_command",
            f"{WORKFLOW}test_the_machine_that_trains_is_reached_through_admission_alone",
            f"{WORKFLOW}test_trust_is_never_decided_by_an_expression",
            f"{FACTS}test_refusals_start_nothing_and_say_why",
            f"{FACTS}test_an_outage_while_asking_for_the_permission_denies",
            f"{FACTS}test_an_unknown_login_and_one_that_changed_hands_may_do_nothing",
        ),
    ),
    2: Row(
        "code in the pull request's tree runs",
        (
            f"{ATTACKS}test_code_in_the_pull_request_never_runs",
            "tests/edges/test_git_objects.py::test_blobs_come_byte_for_byte_even_when_the_repository_asks_for_filters",
        ),
    ),
    3: Row(
        "the pull request edits policy, prompts, schemas or the judge",
        (
            f"{ATTACKS}test_a_pull_request_cannot_bend_the_rules_it_is_judged_by",
            f"{BRANCHES}test_an_old_place_to_branch_off_brings_no_old_rules",
            "tests/stages/test_pipeline.py::test_rules_come_from_the_base_branch_and_changes_to_them_are_named",
        ),
    ),
    4: Row(
        "the pull request edits the workflow",
        (
            f"{DOCTOR}test_what_only_looks_like_a_gate",
            f"{WORKFLOW}test_no_tree_of_a_pull_request_comes_onto_a_machine",
            f"{JOBS}test_without_its_own_commit_no_job_does_anything",
        ),
    ),
    5: Row(
        "a push between approval and run",
        (
            f"{TRUST}test_a_run_of_a_head_that_has_moved_is_not_admitted_whoever_commands",
            f"{TRUST}test_a_command_for_an_older_head_or_edited_admits_nothing",
            f"{FACTS}test_a_head_that_moves_while_it_is_admitted_is_not",
            f"{FACTS}test_an_edited_comment_starts_nothing",
            f"{VERDICT}test_a_moved_head_is_stale",
            f"{JOBS}test_a_head_that_moved_since_the_event_is_refused",
            f"{JOBS}test_a_head_that_moves_between_the_jobs_is_refused",
        ),
    ),
    6: Row(
        "an old result overwrites a newer one",
        (
            "tests/github/test_publishers.py::test_in_any_order_the_newest_of_the_head_stands",
            "tests/github/test_publishers.py::test_five_jobs_at_once_leave_one_comment",
            "tests/github/test_outages.py::test_a_verdict_of_a_head_that_is_gone_is_never_shown_as_the_heads",
            "tests/edges/test_pull_request.py::test_what_should_not_stand_is_not_begun",
            "tests/edges/test_pull_request.py::test_nothing_is_deleted_before_the_oldest_carries_the_text",
            f"{FACTS}test_an_answer_replaces_the_last_one",
        ),
    ),
    7: Row(
        "a forged artifact",
        (
            f"{ATTACKS}test_a_forged_run_json_never_passes",
            f"{ATTACKS}test_a_run_of_another_repository_is_foreign",
            f"{VERDICT}test_a_forged_run_is_refused",
            f"{VERDICT}test_limits_recipe_and_estimates_of_a_preflight_are_made_anew",
            f"{VERDICT}test_facts_that_no_recipe_is_for_are_refused",
            f"{VERDICT}test_a_template_that_the_machine_hides_is_found_on_the_data_branch",
            f"{VERDICT}test_a_run_of_something_else_is_refused",
            "tests/edges/test_run_files.py::test_anything_else_is_refused_and_gone",
            "tests/edges/test_run_files.py::test_a_link_a_pipe_and_a_directory_are_not_read",
            f"{FACTS}test_an_archive_is_read_within_bounds_and_never_unpacked",
            f"{FACTS}test_explain_posts_the_prompt_as_the_run_of_this_head_has_it",
            "tests/stages/test_baselines.py::test_a_run_that_does_not_prove_what_was_merged_is_not_promoted",
            f"{JOBS}test_promotion_takes_no_run_that_somebody_started_by_hand",
        ),
    ),
    8: Row(
        "a poisoned cache or baseline",
        ("tests/edges/test_store.py::test_a_damaged_training_is_refused_and_never_taken_for_none",),
    ),
    9: Row("something stays on the runner", assumed="ephemeral"),
    10: Row(
        "a key in a log, an error or a comment",
        (
            f"{WORKFLOW}test_secrets_are_named_and_stay_with_training",
            f"{JOBS}test_secrets_reach_only_what_needs_them_and_only_by_name",
            f"{ATTACKS}test_no_key_is_shown_on_any_error_path",
            "tests/edges/test_judge_api.py::test_an_echoed_key_is_masked",
            "tests/checks/test_secrets.py::test_secrets_are_found_and_not_printed",
            "tests/edges/test_excerpts.py::test_no_excerpt_shows_a_secret",
        ),
    ),
    11: Row(
        "the pull request points a key at another server",
        (f"{ATTACKS}test_settings_of_a_pull_request_send_no_key_anywhere",),
    ),
    12: Row(
        "a schema or a path makes the gate ask a server",
        (
            "tests/fuzz/test_network.py::test_no_output_schema_reaches_a_server",
            "tests/fuzz/test_network.py::test_no_schema_of_a_pull_request_reaches_a_server",
            "tests/fuzz/test_network.py::test_no_grader_schema_reaches_a_server",
        ),
    ),
    13: Row(
        "traversal, links, submodules, odd names",
        (
            f"{ATTACKS}test_links_and_submodules_are_never_followed",
            f"{ATTACKS}test_hostile_file_names_do_not_act",
            "tests/edges/test_git_objects.py::test_names_with_spaces_newlines_and_unicode_survive",
            f"{BRANCHES}test_a_name_that_is_no_text_hides_no_data",
            f"{BRANCHES}test_two_names_that_read_alike_are_refused",
        ),
    ),
    14: Row("a git-LFS pointer is trained as data", ("tests/edges/test_matrix.py::*",)),
    15: Row(
        "data that stops the reader",
        (
            "tests/fuzz/test_fuzz.py::test_no_bomb_goes_off",
            "tests/fuzz/test_fuzz.py::test_any_bytes_under_any_name_go_through_everything",
        ),
    ),
    16: Row(
        "a pattern that never ends",
        (
            "tests/fuzz/test_patterns.py::test_every_pattern_is_linear",
            "tests/edges/test_example_schema.py::test_patterns_take_linear_time",
        ),
    ),
    17: Row(
        "Markdown, HTML, mentions and markers in the comment",
        (
            "tests/report/test_comment.py::test_foreign_text_never_acts",
            "tests/report/test_quote.py::test_prose_is_inert_in_every_position",
            "tests/edges/test_pull_request.py::test_the_marker_in_a_strangers_comment_captures_nothing",
            f"{FACTS}test_a_marker_that_somebody_else_posted_is_left_alone",
        ),
    ),
    18: Row(
        "workflow commands in what is printed",
        (
            f"{WORKFLOW}test_no_expression_stands_in_a_script_and_everything_used_is_pinned",
            "tests/cli/test_job_outputs.py::test_no_value_can_set_another_output",
            "tests/report/test_quote.py::test_a_workflow_command_stays_one_line",
            "tests/report/test_standards.py::test_github_gets_one_command_a_finding_and_no_other",
            f"{ATTACKS}test_hostile_file_names_do_not_act",
        ),
    ),
    19: Row(
        "escapes and direction marks in a terminal",
        ("tests/report/test_quote.py::test_a_terminal_line_moves_nothing_and_commands_nothing",),
    ),
    20: Row(
        "a completion talks to the judge",
        (
            "tests/graders/test_judge.py::test_the_completion_cannot_leave_its_line",
            "tests/graders/test_judge.py::test_no_text_can_leave_its_line",
            "tests/graders/test_judge.py::test_no_prose_is_a_grade",
        ),
    ),
    21: Row("the prompts are trained on", ("tests/checks/test_corpus.py::*",)),
    22: Row(
        "an adapter or a model that brings code",
        (
            "tests/edges/test_qlora.py::test_an_adapter_that_is_no_safetensors_file_is_refused",
            "tests/edges/test_base_model.py::test_pickled_weights_are_no_weights",
        ),
    ),
    23: Row(
        "missing, empty or infinite evidence passes",
        (
            "tests/decide/test_gate_properties.py::test_an_empty_set_never_passes",
            "tests/decide/test_gate_properties.py::test_worse_evidence_never_improves_the_verdict",
            f"{WAIVERS}test_a_job_that_the_plan_asks_for_and_that_did_not_run_fails",
            f"{VERDICT}test_nothing_at_all_is_never_a_pass",
            f"{WORKFLOW}test_the_verdict_always_comes_and_looks_at_every_job",
        ),
    ),
    24: Row(
        "something else reports the check",
        (
            f"{DOCTOR}test_what_only_looks_like_a_gate",
            f"{JOBS}test_a_verdict_about_another_branch_has_another_name",
            f"{JOBS}test_a_branch_that_is_called_almost_like_the_default_one_never_passes",
        ),
    ),
    25: Row(
        "a waiver is abused",
        (
            f"{TRUST}test_nobody_waives_a_reason_of_their_own_pull_request",
            f"{TRUST}test_waivers_are_those_of_maintainers_who_did_not_open_the_pull_request",
            f"{WAIVERS}test_a_waiver_for_other_data_is_void_and_shown",
            f"{WAIVERS}test_what_nobody_looked_at_cannot_be_waived",
            f"{VERDICT}test_a_waiver_of_a_run_is_ignored_and_one_of_github_counts",
        ),
    ),
    26: Row(
        "an outage doubles or loses a write",
        (
            "tests/github/test_outages.py::test_every_fault_at_every_call",
            "tests/edges/test_pull_request.py::test_a_post_whose_answer_is_lost_is_not_sent_again",
            "tests/edges/test_pull_request.py::test_all_repetition_together_is_bounded",
            f"{FACTS}test_a_re_run_whose_answer_is_lost_is_not_sent_twice",
        ),
    ),
    27: Row(
        "a flood of commands", (f"{FACTS}test_fifty_commands_are_one_run", f"{FACTS}test_waiting_is_bounded")
    ),
    28: Row(
        "the action's own supply chain",
        (
            f"{WORKFLOW}test_no_expression_stands_in_a_script_and_everything_used_is_pinned",
            f"{WORKFLOW}test_nothing_is_granted_but_by_the_job_and_everything_ends",
            f"{WORKFLOW}test_zizmor_finds_nothing",
            "tests/workflow/test_install.py::test_a_lock_has_hashes_and_names_no_host",
        ),
    ),
    29: Row(
        "surprises of YAML",
        ("tests/edges/test_yaml_files.py::test_hostile_settings_are_refused_and_nothing_breaks",),
    ),
    30: Row(
        "bytes that break what reads them",
        (
            "tests/edges/test_plain_native.py::test_sanitizers_have_nothing_to_say",
            "tests/edges/test_plain_native.py::test_it_takes_what_the_libraries_take",
            "tests/edges/test_jsonl.py::test_any_bytes_give_findings_and_never_an_exception",
        ),
    ),
}
