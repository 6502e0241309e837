/** Steps of the optimiser alone, from a sum of gradients to new parameters. */
import { answer, givenWork } from "../lib/answer.js";
import { openOptimizer } from "./optimizer.js";

const { count } = givenWork<{ readonly count: number }>();
const specs = [{ name: "all", shape: [count], learningRateScale: 1, weightDecay: true }];
const values = new Float32Array(count).fill(1);
/** Loss, and of how many images: of one, so that the mean is the sum, however often it is used. */
const sum = Float32Array.from({ length: count + 2 }, (_, i) => (i < count ? (((i * 7919) % 251) - 125) / 1e5 : 1));
const { update } = await openOptimizer(specs, values);
let step = 0;
await answer(`Node ${process.version}`, async () => {
  await update(sum, step++);
  return count / 1e6;
});
