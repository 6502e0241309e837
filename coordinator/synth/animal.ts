/**
 * The skeleton of a horse or zebra as chains of spheres: 3-D joints in units of the height at the withers (x forward,
 * y up, z to the animal's right), posed by a few angles, turned by a yaw and projected to the screen.
 */
import type { Rng } from "../../shared/rng.js";
import { mix } from "./noise.js";
import type { Sphere } from "./solid.js";

export type Species = "horse" | "zebra";

export interface Pose {
  readonly species: Species;
  /** Radians; 0 looks right, pi looks left; between, the animal turns towards or away from the viewer. */
  readonly yaw: number;
  /** Radians above the horizon; negative when it grazes. */
  readonly neckAngle: number;
  /** Radians between neck and head. */
  readonly headBend: number;
  /** Position in the stride, 0..1, and how far the legs swing, radians. */
  readonly stride: number;
  readonly swing: number;
  readonly tailSwing: number;
  /** Proportions around 1. */
  readonly girth: number;
  readonly bodyLength: number;
  readonly legLength: number;
}

/** Where the animal stands on the screen, in samples. */
export interface Placement {
  readonly x: number;
  /** The ground under its feet. */
  readonly y: number;
  /** Samples per unit (height at the withers). */
  readonly scale: number;
  /** Radians by which the camera looks down. */
  readonly pitch: number;
}

interface Joint {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly r: number;
}

interface Bone {
  readonly from: Joint;
  readonly to: Joint;
  readonly part: string;
}

export function drawPose(species: Species, rng: Rng): Pose {
  const facing = rng.next() < 0.5 ? 0 : Math.PI;
  const turn = rng.next() < 0.75 ? rng.uniform(-0.5, 0.5) : rng.uniform(-1.05, 1.05);
  const grazes = rng.next() < 0.3;
  const swing = rng.next() < 0.45 ? rng.uniform(0.04, 0.16) : rng.uniform(0.25, 0.6);
  return {
    species,
    yaw: facing + turn,
    neckAngle: grazes ? rng.uniform(-0.75, -0.35) : rng.uniform(0.35, 1.1),
    headBend: grazes ? rng.uniform(0.35, 0.6) : rng.uniform(1.35, 1.8),
    stride: rng.next(),
    swing,
    tailSwing: rng.uniform(-0.35, 0.6),
    girth: rng.uniform(0.9, 1.12) * (species === "zebra" ? 1.05 : 1),
    bodyLength: rng.uniform(0.92, 1.1),
    legLength: rng.uniform(0.9, 1.1) * (species === "zebra" ? 0.93 : 1.02),
  };
}

export function bones(pose: Pose): Bone[] {
  return ground([...trunk(pose), ...neckAndHead(pose), ...legs(pose), ...tail(pose)]);
}

function trunk({ girth: g, bodyLength: l, legLength }: Pose): Bone[] {
  const y = 0.72 * legLength + 0.03;
  const chest = { x: 0.31 * l, y: y + 0.03, z: 0, r: 0.215 * g };
  const belly = { x: 0.02 * l, y: y - 0.01, z: 0, r: 0.232 * g };
  const loin = { x: -0.2 * l, y: y + 0.01, z: 0, r: 0.218 * g };
  const rump = { x: -0.37 * l, y: y + 0.035, z: 0, r: 0.21 * g };
  const withers = { x: 0.25 * l, y: y + 0.13, z: 0, r: 0.13 * g };
  return [
    { from: rump, to: loin, part: "trunk" },
    { from: loin, to: belly, part: "trunk" },
    { from: belly, to: chest, part: "trunk" },
    { from: chest, to: withers, part: "trunk" },
  ];
}

function neckAndHead(pose: Pose): Bone[] {
  const { girth: g, bodyLength: l, legLength, neckAngle, headBend } = pose;
  const base = { x: 0.36 * l, y: 0.72 * legLength + 0.1, z: 0, r: 0.165 * g };
  const middle = polar(base, neckAngle - 0.12, 0.22, 0.13 * g);
  const poll = polar(middle, neckAngle + 0.1, 0.25, 0.09);
  const headAngle = neckAngle - headBend;
  const cheek = polar(poll, headAngle, 0.1, 0.092);
  const nose = polar(cheek, headAngle + 0.06, 0.2, 0.056);
  const lips = polar(nose, headAngle, 0.05, 0.05);
  const result: Bone[] = [
    { from: base, to: middle, part: "neck" },
    { from: middle, to: poll, part: "neck" },
    { from: poll, to: cheek, part: "head" },
    { from: cheek, to: nose, part: "head" },
    { from: nose, to: lips, part: "muzzle" },
    ...mane(pose, base, poll),
  ];
  for (const side of [-1, 1]) {
    const root = { ...polar(poll, headAngle + Math.PI / 2, 0.07, 0.03), z: side * 0.055 };
    const tip = { ...polar(root, headAngle + Math.PI / 2 + 0.35, 0.1, 0.012), z: side * 0.085 };
    const eye = { ...polar(cheek, headAngle + 1.2, 0.045, 0.018), z: side * 0.075 };
    result.push({ from: root, to: tip, part: "ear" }, { from: eye, to: eye, part: "eye" });
  }
  return result;
}

/** A zebra's mane stands as a brush; a horse's falls to one side. */
function mane({ species, neckAngle, girth }: Pose, base: Joint, poll: Joint): Bone[] {
  const tufts: Bone[] = [];
  for (let i = 0; i <= 14; i++) {
    const t = i / 14;
    const radius = mix(0.15 * girth, 0.085, t);
    const spine = { x: mix(base.x, poll.x, t), y: mix(base.y, poll.y, t), z: 0, r: 0 };
    const root = polar(spine, neckAngle + Math.PI / 2, radius * 0.9, species === "zebra" ? 0.032 : 0.04);
    if (species === "zebra") {
      tufts.push({ from: root, to: polar(root, neckAngle + Math.PI / 2, 0.055, 0.022), part: "mane" });
      continue;
    }
    const fall = { x: root.x - 0.05, y: root.y - radius * 1.15, z: radius * 0.95, r: 0.018 };
    tufts.push({ from: root, to: fall, part: "mane" });
  }
  return tufts;
}

function legs(pose: Pose): Bone[] {
  const { bodyLength: l, legLength: h, girth: g } = pose;
  const hipY = 0.72 * h;
  return [-1, 1].flatMap((side) => {
    const fore = stepAngles(pose, side > 0 ? 0 : 0.5);
    const hind = stepAngles(pose, side > 0 ? 0.75 : 0.25);
    const shoulder = { x: 0.33 * l, y: hipY - 0.06, z: side * 0.1 * g, r: 0.115 * g };
    const hip = { x: -0.36 * l, y: hipY - 0.02, z: side * 0.1 * g, r: 0.155 * g };
    return [...foreleg(shoulder, fore, h), ...hindleg(hip, hind, h)];
  });
}

function stepAngles({ stride, swing }: Pose, offset: number): { lift: number; reach: number } {
  const phase = 2 * Math.PI * (stride + offset);
  return { reach: swing * Math.sin(phase), lift: swing * 1.5 * Math.max(0, Math.cos(phase)) };
}

const down = -Math.PI / 2;

function foreleg(shoulder: Joint, { reach, lift }: { lift: number; reach: number }, h: number): Bone[] {
  const elbow = polar(shoulder, down + reach, 0.12 * h, 0.075);
  const knee = polar(elbow, down + reach, 0.2 * h, 0.05);
  const fetlock = polar(knee, down + reach - lift, 0.22 * h, 0.033);
  const hoof = polar(fetlock, down + reach - lift * 0.8 + 0.15, 0.07, 0.042);
  return legBones([shoulder, elbow, knee, fetlock, hoof]);
}

function hindleg(hip: Joint, { reach, lift }: { lift: number; reach: number }, h: number): Bone[] {
  const stifle = polar(hip, down + reach * 0.8 + 0.25, 0.17 * h, 0.1);
  const hock = polar(stifle, down + reach - 0.55 - lift * 0.4, 0.22 * h, 0.05);
  const fetlock = polar(hock, down + reach + 0.08 - lift * 0.6, 0.24 * h, 0.035);
  const hoof = polar(fetlock, down + reach + 0.2 - lift * 0.5, 0.07, 0.043);
  return legBones([hip, stifle, hock, fetlock, hoof]);
}

function legBones(joints: readonly [Joint, Joint, Joint, Joint, Joint]): Bone[] {
  const parts = ["thigh", "leg", "shin", "hoof"];
  return parts.map((part, i) => ({ from: joints[i]!, to: joints[i + 1]!, part }));
}

function tail({ species, bodyLength: l, legLength: h, girth: g, tailSwing }: Pose): Bone[] {
  const root = { x: -0.37 * l - 0.16 * g, y: 0.72 * h + 0.15, z: 0, r: 0.03 };
  const middle = polar(root, down - 0.5 - tailSwing * 0.5, 0.2, species === "zebra" ? 0.022 : 0.045);
  const tip = polar(middle, down - 0.1 - tailSwing, 0.28, species === "zebra" ? 0.035 : 0.02);
  return [
    { from: root, to: middle, part: species === "zebra" ? "dock" : "tail" },
    { from: middle, to: tip, part: "tail" },
  ];
}

function polar(from: Joint, angle: number, length: number, r: number): Joint {
  return { x: from.x + Math.cos(angle) * length, y: from.y + Math.sin(angle) * length, z: from.z, r };
}

/** Moves the skeleton so that its lowest point touches the ground. */
function ground(all: readonly Bone[]): Bone[] {
  const lowest = Math.min(...all.flatMap(({ from, to }) => [from.y - from.r, to.y - to.r]));
  const lower = (joint: Joint): Joint => ({ ...joint, y: joint.y - lowest });
  return all.map((bone) => ({ ...bone, from: lower(bone.from), to: lower(bone.to) }));
}

/** Turns, projects and fills the bones with spheres, close enough to look like one surface. */
export function project(pose: Pose, place: Placement): Sphere[] {
  const turn = turner(pose.yaw, place.pitch);
  return bones(pose).flatMap((bone) => {
    const [a, b] = [turn(bone.from), turn(bone.to)];
    const length = distance(a, b);
    const count = Math.max(1, Math.ceil((length / Math.min(a.r, b.r)) * 4));
    const grain = grainOf(bone, turn);
    return Array.from({ length: count + 1 }, (_, i): Sphere => {
      const t = i / count;
      return {
        x: place.x + mix(a.x, b.x, t) * place.scale,
        y: place.y - mix(a.y, b.y, t) * place.scale,
        z: mix(a.z, b.z, t) * place.scale,
        r: mix(a.r, b.r, t) * place.scale,
        part: bone.part,
        along: mix(grain.from, grain.to, t) * place.scale,
        axis: grain.axis,
        tone: shadeOfPart(bone.part, a.z),
      };
    });
  });
}

/** The direction that stripes follow: forward on the trunk, so that they run on over all of its bones; else the bone's. */
function grainOf({ from, to, part }: Bone, turn: (joint: Joint) => Joint) {
  const forward = part === "trunk" ? { ...from, x: from.x + 1 } : to;
  const [a, b] = [turn(from), turn(forward)];
  const length = distance(a, b) || 1;
  const axis = [(b.x - a.x) / length, -(b.y - a.y) / length, (b.z - a.z) / length] as const;
  return part === "trunk" ? { axis, from: from.x, to: to.x } : { axis, from: 0, to: distance(turn(from), turn(to)) };
}

function distance(a: Joint, b: Joint): number {
  return Math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2 + (a.z - b.z) ** 2);
}

/** Legs on the far side stand in the body's shade. */
function shadeOfPart(part: string, z: number): number {
  const isLeg = part === "thigh" || part === "leg" || part === "shin" || part === "hoof";
  return isLeg && z < 0 ? 0.72 : 1;
}

function turner(yaw: number, pitch: number): (joint: Joint) => Joint {
  const [sinYaw, cosYaw, sinPitch, cosPitch] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
  return ({ x, y, z, r }) => {
    const depth = x * sinYaw + z * cosYaw;
    return { x: x * cosYaw - z * sinYaw, y: y * cosPitch - depth * sinPitch, z: y * sinPitch + depth * cosPitch, r };
  };
}

/** Where each bone's shadow falls: end points on the screen with radii, for a sun that shifts it by (dx, dz) per height. */
export function shadowOf(pose: Pose, place: Placement, shift: readonly [number, number]): [Joint, Joint][] {
  const turn = turner(pose.yaw, 0);
  const fall = (joint: Joint): Joint => {
    const p = turn(joint);
    const depth = p.z + shift[1] * p.y;
    return {
      x: place.x + (p.x + shift[0] * p.y) * place.scale,
      y: place.y + depth * Math.sin(place.pitch) * place.scale,
      z: 0,
      r: p.r * place.scale,
    };
  };
  return bones(pose).map(({ from, to }) => [fall(from), fall(to)]);
}
