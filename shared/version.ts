/** Equals package.json's version: a test says so. */
export const seedgrowVersion = "0.1.0";

/** Bump when a message or an rpc changes its meaning: workers of another version are refused with that reason. */
export const protocolVersion = 6;
