/** What every error code means, where it usually comes from, what to try: `seedgrow explain CODE`. */
import type { ErrorCode } from "../../shared/errors.js";
import { clusterErrors } from "./cluster-errors.js";
import type { Explanation } from "./explanation.js";
import { inputErrors } from "./input-errors.js";
import { machineErrors } from "./machine-errors.js";

export const explanations: Readonly<Record<ErrorCode, Explanation>> = {
  ...inputErrors,
  ...machineErrors,
  ...clusterErrors,
};
