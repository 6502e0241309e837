/**
 * Who may import whom: `npm run imports`. The folders are the architecture, and every rule says what to do instead.
 * tests/imports.test.ts plants a violation of each rule and sees it caught.
 */

/** Folders that decide or compute: no clock, no disk, no network. */
const pure = [
  "^coordinator/(ablation|core|data|export|report|synth)/",
  "^worker/(core|segmentation|training)/",
  "^shared/(aggregate|math)/",
];
const isTest = "[.](test|bench)[.]ts$";
/** A test may read fixtures and start processes, whatever folder it lies in; segmentation/testing.ts serves tests only. */
const testSupport = `${isTest}|^worker/segmentation/testing[.]ts$`;

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Cycles of types alone may stay. Instead: two files that need each other are one file, or need a third.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "shared-stands-alone",
      comment: "shared/ imports nothing of ours. Instead: move what it needs into shared/, or the file out of it.",
      severity: "error",
      from: { path: "^shared/" },
      to: { path: "^(cli|coordinator|worker|tests|bench|scripts)/" },
    },
    {
      name: "coordinator-never-meets-worker",
      comment: "They meet in proto/ and shared/ alone. Instead: put what both need into shared/.",
      severity: "error",
      from: { path: "^coordinator/" },
      to: { path: "^worker/" },
    },
    {
      name: "worker-never-meets-coordinator",
      comment: "They meet in proto/ and shared/ alone. Instead: put what both need into shared/.",
      severity: "error",
      from: { path: "^worker/" },
      to: { path: "^coordinator/" },
    },
    {
      name: "nobody-imports-the-cli",
      comment: "The command line is the outermost layer. Instead: pass the value, or a callback, from there.",
      severity: "error",
      from: { path: "^(coordinator|worker|shared)/" },
      to: { path: "^cli/" },
    },
    {
      name: "coordinator-without-tensorflow",
      comment: "The coordinator runs on machines without the engine. Instead: make it a job of the worker.",
      severity: "error",
      from: { path: "^(coordinator|shared)/", pathNot: isTest },
      to: { path: "@tensorflow/" },
    },
    {
      name: "pure-without-node",
      comment:
        "Pure folders touch no clock, disk or socket. Instead: take the value as an argument; adapters/ read it.",
      severity: "error",
      from: { path: pure, pathNot: testSupport },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "pure-without-adapters",
      comment: "Pure folders decide, adapters do. Instead: return an effect, or declare the interface you need.",
      severity: "error",
      from: { path: pure, pathNot: testSupport },
      to: { path: "/adapters/|^shared/(net|gen)/" },
    },
    {
      name: "pure-without-transport",
      comment: "No transport, logger or picture library in pure folders. Instead: translate in adapters/.",
      severity: "error",
      from: { path: pure, pathNot: testSupport },
      to: { path: "node_modules/(@grpc/|grpc-health-check|nats/|pino|sharp/)" },
    },
    {
      name: "production-without-tests",
      comment: "What production needs is no test code. Instead: move it beside the code that needs it.",
      severity: "error",
      from: { pathNot: `${testSupport}|^(tests|bench)/` },
      to: { path: `${testSupport}|^(tests|bench)/` },
    },
    {
      name: "only-tests-use-test-tools",
      comment: "devDependencies are not installed with the product. Instead: make it a dependency, or do without.",
      severity: "error",
      from: { path: "^(cli|coordinator|worker|shared)/", pathNot: testSupport },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "everything-resolves",
      comment: "The import leads nowhere. Instead: correct the path, or add the package to package.json.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default"] },
  },
};
