/** What an all-reduce in a ring moves: 2 (N - 1) / N of the parameters as f32 to every worker. Computed, not measured. */
import { answerEach, givenWork } from "../lib/answer.js";

const { workers, count } = givenWork<{ readonly workers: number; readonly count: number }>();
const bytesPerWorker = ((2 * (workers - 1)) / workers) * count * 4;
await answerEach("an f32 ring by its formula", async () => 1e9 / bytesPerWorker);
