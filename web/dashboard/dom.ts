/** Elements from code: text is always text, so that no name in a data set becomes markup. */

export type Child = Node | string | null;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

export function getJson<T>(path: string): Promise<T> {
  return answerOf(fetch(path));
}

export function sendJson<T>(path: string, value: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return answerOf(fetch(path, { method: "PUT", headers, body: JSON.stringify(value) }));
}

async function answerOf<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked;
  const answer = await response.json();
  if (response.ok) return answer as T;
  throw new Error((answer as { error: { message: string } }).error.message);
}

export function decimal(value: number | null): string {
  return value === null ? "–" : value.toFixed(3);
}

export function percent(share: number | null): string {
  return share === null ? "–" : `${(share * 100).toFixed(1)} %`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString();
}
