/** Names of what workers pull from each other. */
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";

export function stepName({ phase, step }: { readonly phase: string; readonly step: number }): string {
  return `${phase}/${step}`;
}

/** Whether a vector of this name is one of the step's. */
export function isOfStep(step: string, name: string): boolean {
  return name.startsWith(`${step}/`);
}

export function sumName(of: Exchange__Output, node: string): string {
  return `${stepName(of)}/sum/${node}`;
}

/** A node's sum as one piece of work led to it: what was begun anew, or is done by two, has a name for each. */
export function aheadName(of: Exchange__Output, node: string, key: string): string {
  return `${sumName(of, node)}@${key}`;
}

export function sliceName(of: Exchange__Output, first: number, end: number): string {
  return `${stepName(of)}/slice/${first}-${end}`;
}
