/**
 * Node 23 removed the `util.isX` helpers that tfjs-node 4.22.0 still calls (nodejs_kernel_backend.js, TopK.js); its fix
 * was merged upstream in April 2025 and never released. Older Nodes have them but print a deprecation warning, so ours
 * replace theirs too. Must run before tfjs-node is loaded.
 */
import util from "node:util";

const helpers = {
  isArray: Array.isArray,
  isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
};

export function installUtilShim(target: object = util): void {
  Object.assign(target, helpers);
}
