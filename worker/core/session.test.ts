/** Fencing: whoever holds the newest lease is obeyed, and nobody who held an older one ever again. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Admission, attach, command, contact, expired, initialSession, release, type Session } from "./session.js";

function admitted(admission: Admission): Session {
  if (admission.kind === "refuse") throw new Error(`refused: ${admission.reason}`);
  return admission.session;
}

const claim = (token: number, runId = "r1") => ({ runId, token });
const attachedTo5 = admitted(attach(initialSession, claim(5), 0));

describe("attaching", () => {
  test("any first lease is taken", () => {
    expect(attachedTo5).toMatchObject({ kind: "attached", runId: "r1", token: 5, lastToken: 5 });
  });

  test("a newer lease takes over, also of another run; an older one is refused", () => {
    expect(admitted(attach(attachedTo5, claim(6, "r2"), 0))).toMatchObject({ runId: "r2", token: 6 });
    expect(attach(attachedTo5, claim(4), 0)).toEqual({ kind: "refuse", reason: "lease 4 is older than 5" });
  });

  test("twice with the same lease is harmless: the answer may have been lost", () => {
    expect(admitted(attach(attachedTo5, claim(5), 9))).toMatchObject({ token: 5, lastContactMs: 9 });
  });

  test("a released worker remembers: the lease it was released from does not come back", () => {
    expect(attach(release(attachedTo5), claim(5), 0)).toMatchObject({ kind: "refuse" });
    expect(attach(release(attachedTo5), claim(6), 0)).toMatchObject({ kind: "admit" });
  });
});

describe("commands", () => {
  test("are obeyed under the current lease only", () => {
    expect(command(attachedTo5, claim(5), 0).kind).toBe("admit");
    expect(command(attachedTo5, claim(4), 0)).toMatchObject({ reason: "lease 4 is not the current one (5)" });
    expect(command(attachedTo5, claim(6), 0)).toMatchObject({ reason: "lease 6 is not the current one (5)" });
    expect(command(initialSession, claim(1), 0)).toMatchObject({ reason: "not attached to any run" });
  });

  test("and renewals keep the session alive; silence longer than the lease ends it", () => {
    const heard = admitted(command(attachedTo5, claim(5), 100));
    expect(expired(heard, 115, 15)).toBe(false);
    expect(expired(heard, 116, 15)).toBe(true);
    expect(expired(contact(heard, 116), 116, 15)).toBe(false);
  });

  test("an idle worker never expires", () => {
    expect(expired(contact(initialSession, 0), 1e9, 15)).toBe(false);
  });
});

test("whatever comes in whatever order, tokens only grow and one coordinator at most is obeyed", () => {
  const events = fc.array(
    fc.record({ kind: fc.constantFrom("attach", "command", "release"), token: fc.integer({ min: 1, max: 8 }) }),
  );
  fc.assert(
    fc.property(events, (list) => {
      let session: Session = initialSession;
      for (const { kind, token } of list) {
        const before = session;
        if (kind === "release") session = release(session);
        else {
          const admission = (kind === "attach" ? attach : command)(session, claim(token), 0);
          if (admission.kind === "admit") session = admission.session;
        }
        expect(session.lastToken).toBeGreaterThanOrEqual(before.lastToken);
        if (session.kind === "attached") expect(session.token).toBe(session.lastToken);
        const obeyed = [1, 2, 3, 4, 5, 6, 7, 8].filter((one) => command(session, claim(one), 0).kind === "admit");
        expect(obeyed.length).toBeLessThanOrEqual(1);
      }
    }),
  );
});
