/**
 * Compares a screenshot with the one in tests/cli/screens. Tolerant: letters and edges are drawn a little differently by
 * every Chromium. SEEDGROW_RENEW_SCREENS=1 writes them anew; look at them before they are committed.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp, { type Sharp } from "sharp";
import type { Chromium } from "./chromium.js";

const dir = fileURLToPath(new URL("../cli/screens/", import.meta.url));
/** Compared at this width, pixels: a letter is a grey smudge then, a missing panel is not. */
const width = 320;
/** Difference of a channel that counts, of 255, and share of the picture that may have it. */
const channelMax = 48;
const shareMax = 0.04;

/** Share of the picture that differs; null where there is nothing to compare with, which is written then. */
export async function screenDifference(page: Chromium, name: string): Promise<number | null> {
  const shot = await small(await page.screenshot());
  const path = `${dir}${name}.png`;
  if (process.env.SEEDGROW_RENEW_SCREENS || !existsSync(path)) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path, await shot.clone().png({ palette: true }).toBuffer());
    return null;
  }
  const [now, then] = await Promise.all([shot, sharp(path)].map((one) => one.removeAlpha().raw().toBuffer()));
  if (now!.length !== then!.length) return 1;
  let differing = 0;
  for (let i = 0; i < now!.length; i++) if (Math.abs(now![i]! - then![i]!) > channelMax) differing++;
  return differing / now!.length;
}

export { shareMax };

async function small(png: Buffer): Promise<Sharp> {
  return sharp(await sharp(png).resize(width).removeAlpha().png().toBuffer());
}
