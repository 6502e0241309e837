/** A headless Chromium for tests of pages, spoken to over its debugging pipe: no driver, no download. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const binary = [process.env.SEEDGROW_CHROMIUM ?? "", ...places].find((path) => path !== "" && existsSync(path));
const flags = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"],
  ...["--disable-dev-shm-usage", "--window-size=1300,900"],
];
const startTimeoutMs = 30_000;

interface Message {
  readonly id?: number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the protocol's answers are as many as its methods.
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly result?: any;
  readonly error?: { readonly message: string };
}

export class Chromium {
  /** What a person would see in the console as an error. */
  readonly complaints: string[] = [];
  readonly requests: string[] = [];
  private readonly waiting = new Map<number, (message: Message) => void>();
  private session: string | undefined;
  private nextId = 1;
  private unread = "";

  private constructor(
    private readonly child: ChildProcess,
    private readonly profile: string,
  ) {
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => this.read(text));
  }

  /** Null where none is installed or none starts: such machines skip the tests of pages. */
  static async start(): Promise<Chromium | null> {
    if (binary === undefined) return null;
    const profile = await mkdtemp(join(tmpdir(), "chromium-"));
    const child = spawn(binary, [...flags, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    child.on("error", () => undefined);
    child.stdio[3]!.on("error", () => undefined);
    const browser = new Chromium(child, profile);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), startTimeoutMs);
      child.once("exit", () => resolve(false));
    });
    const isReady = await Promise.race([browser.attach(), late]);
    clearTimeout(timer);
    if (isReady) return browser;
    await browser.close();
    return null;
  }

  async open(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
  }

  /** The value of an expression in the page. */
  async ask<T>(expression: string): Promise<T> {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
    return answer.result.value;
  }

  async press(key: string): Promise<void> {
    for (const type of ["keyDown", "keyUp"]) await this.send("Input.dispatchKeyEvent", { type, key });
  }

  /** Presses the mouse at the first point and lets go at the last. */
  async drag(points: readonly (readonly [x: number, y: number])[]): Promise<void> {
    const mouse = (type: string, [x, y]: readonly [number, number]) => {
      const buttons = type === "mouseReleased" ? 0 : 1;
      return this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons, clickCount: 1 });
    };
    await mouse("mousePressed", points[0]!);
    for (const point of points) await mouse("mouseMoved", point);
    await mouse("mouseReleased", points.at(-1)!);
  }

  async look(scheme: "light" | "dark", width = 1300, height = 900): Promise<void> {
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  /** PNG of the window. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }

  async chooseFile(selector: string, path: string): Promise<void> {
    const { root } = await this.send("DOM.getDocument");
    const { nodeId } = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector });
    await this.send("DOM.setFileInputFiles", { nodeId, files: [path] });
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.kill("SIGKILL")) await gone;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private async attach(): Promise<true> {
    const { targetInfos } = await this.send("Target.getTargets");
    const { targetId } = targetInfos.find(({ type }: { type: string }) => type === "page");
    this.session = (await this.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network", "DOM"]) await this.send(`${domain}.enable`);
    return true;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the protocol's answers are as many as its methods.
  private send(method: string, params: object = {}): Promise<any> {
    const id = this.nextId++;
    const session = this.session === undefined ? {} : { sessionId: this.session };
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
      (this.child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    });
  }

  private read(text: string): void {
    const parts = (this.unread + text).split("\0");
    this.unread = parts.pop()!;
    for (const part of parts) this.hear(JSON.parse(part) as Message);
  }

  private hear(message: Message): void {
    const { id, method, params } = message;
    if (id !== undefined) this.waiting.get(id)?.(message);
    if (method === "Runtime.exceptionThrown") this.complaints.push(JSON.stringify(params.exceptionDetails));
    if (method === "Log.entryAdded" && params.entry.level === "error") this.complaints.push(params.entry.text);
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
  }
}
