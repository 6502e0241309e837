import { describe, expect, test } from "vitest";
import { AppError, errorCodes, exitCodes } from "./errors.js";

describe("anything caught becomes an AppError", () => {
  test("an AppError stays what it is", () => {
    const error = new AppError("RUN_BUSY", "busy");
    expect(AppError.from(error)).toBe(error);
  });

  test.each([
    ["ENOSPC", "DISK_FULL", exitCodes.environment],
    ["EDQUOT", "DISK_FULL", exitCodes.environment],
    ["EADDRINUSE", "PORT_BUSY", exitCodes.environment],
    ["ENOENT", "DATA_NOT_FOUND", exitCodes.data],
    ["ECONNREFUSED", "BROKER_UNREACHABLE", exitCodes.environment],
  ])("the system's %s is our %s", (systemCode, code, exitCode) => {
    const cause = Object.assign(new Error("the system says no"), { code: systemCode });
    const error = AppError.from(cause);
    expect(error).toMatchObject({ code, exitCode, message: "the system says no", cause });
  });

  test("what nobody foresaw is a bug", () => {
    expect(AppError.from(new TypeError("x is not a function"))).toMatchObject({ code: "INTERNAL", exitCode: 1 });
    expect(AppError.from("a string")).toMatchObject({ code: "INTERNAL", message: "a string" });
    expect(AppError.from(undefined)).toMatchObject({ code: "INTERNAL", message: "undefined" });
  });
});

test("the hint is the code's advice, unless there is a better one", () => {
  expect(new AppError("RUN_NOT_FOUND", "no run").hint).toBe("`seedgrow runs` lists the runs.");
  expect(new AppError("RUN_NOT_FOUND", "no run", { hint: "Look elsewhere." }).hint).toBe("Look elsewhere.");
});

test("every code has an exit code of the table and a sentence of advice", () => {
  for (const [code, [exitCode, advice]] of Object.entries(errorCodes)) {
    expect(Object.values(exitCodes), code).toContain(exitCode);
    expect(advice, code).toMatch(/^[`A-Z].{10,}[.]$/);
  }
});
