// GitHub's own parser and evaluator of `${{ }}`, with the contexts that each key of a workflow may use.
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

// https://docs.github.com/actions/reference/workflows-and-actions/contexts#context-availability
export const AVAILABLE = {
  concurrency: ["github", "inputs", "vars"],
  workflowEnv: ["github", "secrets", "inputs", "vars"],
  callerWith: ["github", "needs", "strategy", "matrix", "inputs", "vars"],
  callerSecrets: ["github", "needs", "strategy", "matrix", "secrets", "inputs", "vars"],
  jobIf: ["github", "needs", "vars", "inputs"],
  runsOn: ["github", "needs", "strategy", "matrix", "vars", "inputs"],
  jobOutputs: ["github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "secrets", "steps", "inputs"],
  stepIf: ["github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "steps", "inputs"],
  step: ["github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "secrets", "steps", "inputs"],
};
const STATUS = ["success", "failure", "always", "cancelled"];

/** What an expression is worth, as a plain value. `status` names the four functions' answers, where they may be used. */
export function evaluate(text, contexts, status) {
  const functions = Object.entries(status ?? {}).map(([name, answer]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(answer),
  }));
  const tree = new Parser(new Lexer(text).lex().tokens, Object.keys(contexts), functions).parse();
  const known = JSON.parse(JSON.stringify(contexts), data.reviver);
  const worth = new Evaluator(tree, known, new Map(functions.map((f) => [f.name, f]))).evaluate();
  return JSON.parse(JSON.stringify(worth, data.replacer));
}

/** A value of the file with its expressions filled in; one that is nothing but an expression keeps its type. */
export function fill(value, contexts) {
  if (typeof value !== "string") return value;
  const whole = /^\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*$/s.exec(value);
  if (whole) return evaluate(whole[1], contexts);
  return value.replace(/\$\{\{(.*?)\}\}/gs, (_, text) => asText(evaluate(text, contexts)));
}

export const asText = (value) =>
  value === null || value === undefined ? "" : typeof value === "object" ? "Object" : String(value);

/** `if:` of a job or a step: success() is meant where no status function is named. */
export function holds(condition, contexts, status) {
  const text = String(condition ?? "").replace(/^\s*\$\{\{(.*)\}\}\s*$/s, "$1").trim();
  const named = STATUS.some((name) => new RegExp(`\\b${name}\\s*\\(`, "i").test(text));
  const full = text === "" ? "success()" : named ? text : `success() && (${text})`;
  return Boolean(evaluate(`!!(${full})`, contexts, status));
}

export const pick = (contexts, key) =>
  Object.fromEntries(AVAILABLE[key].map((name) => [name, contexts[name] ?? {}]));
