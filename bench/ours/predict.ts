/** Masks of photos, as `seedgrow predict --raw` makes them: one photo after the other, so that none depends on the others. */
import { answer, givenWork } from "../lib/answer.js";
import { type NetworkWork, noise, openNetwork } from "./network.js";

const work = givenWork<NetworkWork>();
const { batch, size } = work;
const { version, compute } = await openNetwork(work);
const photos = Array.from({ length: batch }, (_, image) => {
  const { pixels } = noise(image, size);
  return { image, pixels, width: size, height: size, allowed: null, raw: true };
});
await answer(version, async () => (await compute.predict(photos)).length);
