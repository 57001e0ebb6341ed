/**
 * Sends records as inputs, keeps and verifies their receipts, and shows later what became of each.
 *
 *   node built/submit.js send FILE [--one-by-one]   FILE is CSV, or a JSON list of inputs
 *   node built/submit.js outcomes
 *
 * What was received stands in the folder `receipts` (TANGGUH_RECEIPTS). `send` may be run again with the same file at any
 * time: nothing is there twice. It ends with 1 if a record was refused.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { recordKeys, verified, type RecordKeys } from "./receipts.js";
import { records, type Input } from "./records.js";
import { Connection, GaveUp, Refused, linked, tell, type Schema } from "./tangguh.js";

const BATCH = 500;
/** A body may have 4 MiB; a text 20,000 characters, so that a batch of the longest needs to be cut. */
const BATCH_BYTES = 3_500_000;
const RECEIPTS = process.env["TANGGUH_RECEIPTS"] ?? "receipts";

interface Kept {
  input_id: string;
  external_ref: string;
  code: string;
  receipt: string;
}

class Sender {
  refused = 0;

  constructor(
    private readonly connection: Connection,
    private readonly keys: RecordKeys,
  ) {}

  async one(record: Input): Promise<void> {
    const body = JSON.stringify(record);
    try {
      const answer = await this.connection.ask(this.connection.path("inputs"), { method: "POST", body });
      const received = (await answer.json()) as Schema<"Input">;
      await this.keep(record, received.id, linked(answer, "receipt")!, body, answer.status === 201);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.refuse(record, error.status, error.problem);
    }
  }

  async batch(some: Input[]): Promise<void> {
    const body = JSON.stringify({ mode: "each", items: some } satisfies Schema<"InputBatch">);
    // One name for all repeats of this request: a lost answer is given once more.
    const headers = { "Idempotency-Key": randomUUID() };
    const answer = await this.connection.ask(this.connection.path("inputs/batch"), { method: "POST", body, headers });
    const result = (await answer.json()) as Schema<"BatchResult">;
    for (const item of result.items) {
      const record = some[item.index]!;
      if (item.location && item.id) {
        await this.keep(record, item.id, `${item.location}/receipt`, body, item.status === 201);
      } else {
        this.refuse(record, item.status, item.problem ?? {});
      }
    }
  }

  private refuse(record: Input, status: number, problem: Partial<Schema<"Problem">>): void {
    this.refused += 1;
    console.log(`${record.external_ref}: refused, ${status} ${problem.type}: ${problem.detail}`);
    for (const error of problem.errors ?? []) console.log(`    ${error.pointer}: ${error.code}, ${error.detail}`);
  }

  /** Gets the receipt, verifies it and keeps it. */
  private async keep(record: Input, id: string, place: string, body: string, isNew: boolean): Promise<void> {
    const answer = await this.connection.ask(place, { headers: { Accept: "application/jose" } });
    const receipt = await answer.text();
    const claims = verified(receipt, this.keys);
    const same = claims.digest === createHash("sha256").update(body).digest("hex");
    if (claims.input_id !== id || claims.external_ref !== record.external_ref || (isNew && !same)) {
      throw new Error(`${record.external_ref}: the receipt is not for what was sent`);
    }
    const kept: Kept = { input_id: id, external_ref: record.external_ref, code: claims.code, receipt };
    await mkdir(RECEIPTS, { recursive: true });
    // A reference may hold a slash.
    const file = `${RECEIPTS}/${encodeURIComponent(record.external_ref)}.json`;
    await writeFile(`${file}.partial`, JSON.stringify(kept, null, 1));
    await rename(`${file}.partial`, file);
    console.log(`${record.external_ref}: ${isNew ? "received" : "was there already"} as ${claims.code}, receipt verified`);
  }
}

function* batches(all: Input[]): Generator<Input[]> {
  let some: Input[] = [];
  let size = 0;
  for (const record of all) {
    const more = Buffer.byteLength(JSON.stringify(record)) + 1;
    if (some.length > 0 && (some.length === BATCH || size + more > BATCH_BYTES)) {
      yield some;
      some = [];
      size = 0;
    }
    some.push(record);
    size += more;
  }
  if (some.length > 0) yield some;
}

async function send(connection: Connection, file: string, oneByOne: boolean): Promise<number> {
  const found = await records(file);
  const sender = new Sender(connection, await recordKeys(connection));
  if (oneByOne) {
    for (const record of found) await sender.one(record);
  } else {
    for (const some of batches(found)) await sender.batch(some);
  }
  tell(`${found.length - sender.refused} of ${found.length} are there, ${sender.refused} refused`);
  return sender.refused > 0 ? 1 : 0;
}

/** What became of each input that there is a receipt of. */
async function outcomes(connection: Connection): Promise<number> {
  const keys = await recordKeys(connection);
  for (const file of (await readdir(RECEIPTS)).filter((name) => name.endsWith(".json")).sort()) {
    const kept = JSON.parse(await readFile(`${RECEIPTS}/${file}`, "utf8")) as Kept;
    verified(kept.receipt, keys);
    const answer = await connection.ask(connection.path(`inputs/${kept.input_id}/outcome`));
    show(kept.external_ref, (await answer.json()) as Schema<"InputOutcome">);
  }
  return 0;
}

function show(reference: string, outcome: Schema<"InputOutcome">): void {
  const late = outcome.overdue ? ", overdue" : "";
  console.log(`${reference} (${outcome.code}): ${outcome.state}, due ${outcome.due_on ?? "never"}${late}`);
  const { decision, effects, answer, next_step: next } = outcome;
  if (decision) console.log(`    ${decision.kind}: ${inEnglish(decision.text)}`);
  for (const effect of effects) console.log(`    came of it: ${effect.kind} ${effect.code}, revision ${effect.revision}`);
  if (answer) console.log(`    answer: ${inEnglish(answer.text)}`);
  console.log(`    next: ${next.who}: ${inEnglish(next.what)}`);
}

/** A text in English, or in the first language that it has. */
function inEnglish(text: Schema<"Localized">): string {
  const texts = text as Record<string, string>;
  return texts["en"] ?? Object.values(texts)[0] ?? "";
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { "one-by-one": { type: "boolean", default: false } },
  });
  const [command, file] = positionals;
  try {
    if (command === "send" && file) return await send(new Connection(), file, values["one-by-one"]);
    if (command === "outcomes") return await outcomes(new Connection());
  } catch (error) {
    if (!(error instanceof Refused || error instanceof GaveUp)) throw error;
    tell(`submit: ${error.message}`);
    return 2;
  }
  tell("usage: submit.js send FILE [--one-by-one] | submit.js outcomes");
  return 2;
}

process.exitCode = await main();
