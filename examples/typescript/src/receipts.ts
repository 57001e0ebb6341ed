/** Receipts: compact JWS of the service's record keys, verified with what Node.js has. */
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from "node:crypto";

import type { Connection } from "./tangguh.js";

/** What a receipt says. */
export interface Claims {
  input_id: string;
  code: string;
  external_ref: string | null;
  /** The SHA-256 of the body as it was received, in hexadecimal. */
  digest: string;
  received_at: string;
  sequence: number;
}

export type RecordKeys = Map<string, KeyObject>;

export async function recordKeys(connection: Connection): Promise<RecordKeys> {
  const answer = await connection.ask("/.well-known/record-keys.json");
  const served = (await answer.json()) as { keys: (JsonWebKey & { kid: string })[] };
  return new Map(served.keys.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]));
}

/** What a receipt says, if one of these keys signed it. */
export function verified(receipt: string, keys: RecordKeys): Claims {
  const [head, payload, signature, more] = receipt.split(".");
  if (!head || !payload || !signature || more !== undefined) throw new Error("that is not a compact JWS");
  const { alg, typ, kid } = read(head) as { alg: string; typ: string; kid: string };
  // A signature of the same key over something else, as a statement, is no receipt.
  if (alg !== "EdDSA" || typ !== "tangguh-receipt+jws") throw new Error("that is not a receipt");
  const key = keys.get(kid);
  if (!key || !verify(null, Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url"))) {
    throw new Error("the signature of the receipt does not hold");
  }
  return read(payload) as Claims;
}

function read(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}
