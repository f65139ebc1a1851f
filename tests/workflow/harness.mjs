// Runs a workflow, or a composite action, as GitHub would: one JSON object on standard input says what happened, one on
// standard output says what came of it. Steps run for real, in bash; `uses:` is answered here by the action's name.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { asText, fill, holds, pick } from "./expressions.mjs";

const asked = JSON.parse(readFileSync(0, "utf8"));
const read = (file) => parse(readFileSync(file, "utf8"));
const filled = (entries, contexts) =>
  Object.fromEntries(Object.entries(entries ?? {}).map(([name, value]) => [name, fill(value, contexts)]));
const texts = (entries) => Object.fromEntries(Object.entries(entries).map(([name, v]) => [name, asText(v)]));

// What actions do, by name. Each gets `with` and throws when the action would fail.
const ACTIONS = {
  "actions/upload-artifact"({ name, path, overwrite, "if-no-files-found": missing }) {
    const kept = join(asked.work, "artifacts", name);
    if (existsSync(kept) && overwrite !== true) throw new Error(`409: the artifact ${name} exists already`);
    if (!existsSync(path)) {
      if (missing === "error") throw new Error(`no files in ${path}`);
      return;
    }
    rmSync(kept, { recursive: true, force: true });
    cpSync(path, statSync(path).isFile() ? join(kept, basename(path)) : kept, { recursive: true });
  },
  "actions/download-artifact"({ name, path, "run-id": run }) {
    const kept = run ? join(asked.work, `artifacts-of-${run}`, name) : join(asked.work, "artifacts", name);
    if (!existsSync(kept)) throw new Error(`artifact not found: ${name}`);
    cpSync(kept, path, { recursive: true });
  },
};

function entriesOf(file) {
  // The format of GITHUB_OUTPUT and GITHUB_ENV: name=value, or name<<DELIMITER up to that line.
  const entries = {};
  const lines = readFileSync(file, "utf8").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const many = /^([^=]+?)<<(.+)$/.exec(lines[at]);
    if (many) {
      const end = lines.indexOf(many[2], at + 1);
      if (end < 0) throw new Error(`no end of ${many[1]}`);
      entries[many[1]] = lines.slice(at + 1, end).join("\n");
      at = end;
    } else if (lines[at] !== "") {
      const cut = lines[at].indexOf("=");
      if (cut < 1) throw new Error(`Invalid format '${lines[at]}'`);
      entries[lines[at].slice(0, cut)] = lines[at].slice(cut + 1);
    }
  }
  return entries;
}

function runScript(script, place, environment, masks) {
  const files = Object.fromEntries(["output", "env", "summary"].map((name) => [name, join(place.temp, `_${name}`)]));
  for (const [name, file] of Object.entries(files)) if (name !== "summary" || !existsSync(file)) writeFileSync(file, "");
  const source = join(place.temp, "_step.sh");
  writeFileSync(source, script);
  const done = spawnSync("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", source], {
    cwd: place.workspace,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: {
      ...asked.environment,
      GITHUB_OUTPUT: files.output,
      GITHUB_ENV: files.env,
      GITHUB_STEP_SUMMARY: files.summary,
      ...environment,
    },
  });
  for (const [, secret] of done.stdout.matchAll(/^\s*::add-mask::(.+)$/gm)) masks.add(secret);
  let log = done.stdout + done.stderr;
  for (const secret of masks) if (secret) log = log.replaceAll(secret, "***");
  return { code: done.status ?? 1, log, outputs: entriesOf(files.output), environment: entriesOf(files.env) };
}

function runStep(step, contexts, place, masks) {
  const environment = { ...contexts.env, ...texts(filled(step.env, pick(contexts, "step"))) };
  const withs = filled(step.with, pick({ ...contexts, env: environment }, "step"));
  if (step.uses) {
    const [name, commit] = step.uses.split("@");
    if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error(`${step.uses} is not pinned`);
    try {
      ACTIONS[name](withs);
      return { code: 0, log: "", outputs: {}, environment: {} };
    } catch (error) {
      return { code: 1, log: String(error), outputs: {}, environment: {} };
    }
  }
  const script = asked.replace?.[step.name] ?? step.run;
  return runScript(asText(fill(script, pick(contexts, "step"))), place, environment, masks);
}

/** Steps in order; the job's (or action's) outcome, what each step said, and the contexts at the end. */
function runSteps(steps, contexts, place, masks) {
  const said = [];
  let failed = false;
  for (const step of steps) {
    const status = { success: !failed, failure: failed, always: true, cancelled: false };
    if (!holds(step.if, pick(contexts, "stepIf"), status)) {
      said.push({ name: step.name, outcome: "skipped", log: "" });
      continue;
    }
    const { code, log, outputs, environment } = runStep(step, contexts, place, masks);
    const outcome = code === 0 ? "success" : "failure";
    const conclusion = step["continue-on-error"] === true ? "success" : outcome;
    if (step.id) contexts.steps[step.id] = { outputs, outcome, conclusion };
    contexts.env = { ...contexts.env, ...environment };
    failed ||= conclusion === "failure";
    said.push({ name: step.name, outcome, code, log });
  }
  return { failed, said };
}

function runJob(id, job, shared, needs, given) {
  const place = { temp: join(asked.work, `${id}-${asked.github.run_attempt}`), workspace: join(asked.work, `${id}-space`) };
  for (const directory of Object.values(place)) mkdirSync(directory, { recursive: true });
  const contexts = {
    ...shared,
    ...given,
    needs,
    job: { status: "success", ...asked.job },
    runner: { temp: place.temp, os: "Linux" },
    steps: {},
  };
  const environment = { RUNNER_TEMP: place.temp, GITHUB_WORKSPACE: place.workspace };
  contexts.env = { ...environment, ...shared.env, ...texts(filled(job.env, pick(contexts, "runsOn"))) };
  const { failed, said } = runSteps(job.steps, contexts, place, new Set(Object.values(given.secrets)));
  const summary = join(place.temp, "_summary");
  return {
    result: failed && job["continue-on-error"] !== true ? "failure" : "success",
    outputs: texts(filled(job.outputs, pick(contexts, "jobOutputs"))),
    runsOn: fill(job["runs-on"], pick(contexts, "runsOn")),
    timeout: fill(job["timeout-minutes"], pick(contexts, "runsOn")),
    summary: existsSync(summary) ? readFileSync(summary, "utf8") : "",
    steps: said,
  };
}

const ended = (said) => (typeof said === "string" ? { result: said } : said);

/** Every job of a called workflow in the order of its needs. */
function runGate(workflow, given) {
  const jobs = {};
  const shared = { github: asked.github, vars: {}, strategy: {}, matrix: {} };
  const names = { ...shared, ...given };
  shared.env = texts(filled(workflow.env, pick(names, "workflowEnv")));
  const waiting = Object.entries(workflow.jobs);
  while (waiting.length) {
    const at = waiting.findIndex(([, job]) => [job.needs ?? []].flat().every((need) => need in jobs));
    if (at < 0) throw new Error("needs form a circle");
    const [[id, job]] = waiting.splice(at, 1);
    const wanted = [job.needs ?? []].flat();
    const needs = Object.fromEntries(wanted.map((need) => [need, { result: jobs[need].result, outputs: jobs[need].outputs ?? {} }]));
    const results = wanted.map((need) => jobs[need].result);
    const status = {
      success: results.every((result) => result === "success"),
      failure: results.includes("failure"),
      cancelled: results.includes("cancelled"),
      always: true,
    };
    const before = asked.earlier?.[id];
    if (before?.result === "success" && wanted.every((need) => jobs[need].kept)) jobs[id] = { ...before, kept: true };
    else if (!holds(job.if, pick({ ...names, needs }, "jobIf"), status)) jobs[id] = { result: "skipped", outputs: {} };
    else if (asked.results?.[id]) jobs[id] = { outputs: {}, ...ended(asked.results[id]), runsOn: fill(job["runs-on"], pick({ ...names, needs }, "runsOn")) };
    else jobs[id] = runJob(id, job, shared, needs, given);
    jobs[id].name = fill(job.name, pick({ ...names, needs }, "runsOn"));
  }
  const concurrency = filled(workflow.concurrency, pick(names, "concurrency"));
  return { jobs, concurrency };
}

/** The caller's one job: its inputs with the defaults of what it calls, and only the secrets that it names. */
function callGate(caller, gate) {
  if (!(asked.github.event_name in caller.on)) throw new Error(`the caller does not listen to ${asked.github.event_name}`);
  const [job] = Object.values(caller.jobs);
  const known = { github: asked.github, secrets: { ...asked.secrets, GITHUB_TOKEN: asked.github.token }, inputs: asked.inputs ?? {} };
  const passed = filled(job.with, pick(known, "callerWith"));
  const declared = gate.on.workflow_call;
  for (const name of Object.keys(passed)) if (!(name in declared.inputs)) throw new Error(`unknown input ${name}`);
  const inputs = Object.fromEntries(
    Object.entries(declared.inputs).map(([name, { default: usual }]) => [name, passed[name] ?? usual]),
  );
  const secrets = texts(filled(job.secrets, pick(known, "callerSecrets")));
  for (const name of Object.keys(secrets)) if (!(name in declared.secrets)) throw new Error(`unknown secret ${name}`);
  return runGate(gate, { inputs, secrets: { ...secrets, GITHUB_TOKEN: asked.github.token } });
}

function runAction(action) {
  const inputs = Object.fromEntries(
    Object.entries(action.inputs).map(([name, { default: usual }]) => [
      name,
      asked.inputs[name] ?? fill(usual ?? "", { github: asked.github }),
    ]),
  );
  const given = { inputs, secrets: {} };
  const job = { steps: action.runs.steps, outputs: texts(Object.fromEntries(Object.entries(action.outputs).map(([k, v]) => [k, v.value]))) };
  return { jobs: { action: runJob("action", job, { github: asked.github, vars: {}, env: {} }, {}, given) } };
}

const said = asked.action ? runAction(read(asked.action)) : callGate(read(asked.caller), read(asked.gate));
process.stdout.write(JSON.stringify(said));
