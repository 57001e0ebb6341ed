/**
 * Keeps a copy of a programme in a JSON file, as far as its client may see it: a snapshot, and then each change.
 *
 *   node built/mirror.js FILE [--until-current]
 *
 * The file is replaced as a whole, with where it stands in it, so the program may be stopped or killed at any moment and
 * goes on from there. A large programme wants a database instead: see the Python client.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { Connection, Refused, isLost, tell, type Schema } from "./tangguh.js";

/** Seconds that the service may hold a request while nothing changes. */
const WAIT = 25;

interface Thing {
  kind: string;
  id: string;
  revision: number;
  content: unknown;
}

/** The last line of a snapshot. */
interface End {
  end: true;
  after: string;
  count: number;
}

/** The snapshot ended before its last line. */
class CutOff extends Error {}

class Mirror {
  private things = new Map<string, Thing>();
  private after: string | undefined;
  /** Whether what there is cannot be brought up to date by changes. */
  private outdated = false;

  constructor(
    private readonly file: string,
    private readonly connection: Connection,
  ) {}

  async load(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    const kept = JSON.parse(text) as { after: string; things: Thing[] };
    this.after = kept.after;
    this.things = new Map(kept.things.map((thing) => [name(thing.kind, thing.id), thing]));
  }

  async follow(untilCurrent: boolean): Promise<void> {
    for (let failures = 0; ; ) {
      try {
        if (await this.step(untilCurrent)) return;
        failures = 0;
      } catch (error) {
        failures = await this.overcome(error, failures);
      }
    }
  }

  /** Waits or begins anew, as the failure needs; answers how many failures there were in a row. */
  private async overcome(error: unknown, failures: number): Promise<number> {
    if (error instanceof Refused && ["view-changed", "bad-cursor"].includes(error.problemName)) {
      // We see other things now; or the service was restored to an earlier state than we know.
      tell(`${error.problemName}: a new snapshot`);
      this.outdated = true;
      return 0;
    }
    // Without a right now, it may come back, or a new key be put in the file: the copy stays as it was.
    const noRight = error instanceof Refused && [401, 403, 404].includes(error.status);
    if (!(noRight || error instanceof CutOff || isLost(error))) throw error;
    await pause(failures + 1, (error as Error).message);
    return failures + 1;
  }

  /** One snapshot or one page of changes. Whether all that was wanted is done. */
  private async step(untilCurrent: boolean): Promise<boolean> {
    if (this.after === undefined || this.outdated) {
      await this.snapshot();
      return false;
    }
    const query = new URLSearchParams({ after: this.after, wait: untilCurrent ? "0" : String(WAIT), limit: "1000" });
    const answer = await this.connection.ask(this.connection.path(`changes?${query}`), { timeout: WAIT + 15 });
    const page = (await answer.json()) as Schema<"ChangePage">;
    for (const change of page.items) this.apply(change);
    if (page.after !== this.after) {
      this.after = page.after;
      await this.save();
    }
    if (page.items.length > 0) tell(`${page.items.length} changes, to ${page.after}`);
    return untilCurrent && Number(page.after.split(".")[0]) >= page.head_sequence;
  }

  /** The same change twice does no harm. */
  private apply(change: Schema<"Change">): void {
    const { subject_kind: kind, subject_id: id, revision, content } = change;
    if (change.op === "gone") this.things.delete(name(kind, id));
    else this.things.set(name(kind, id), { kind, id, revision, content });
  }

  /** Puts a whole snapshot in the place of the copy, or leaves the copy as it was. */
  private async snapshot(): Promise<void> {
    const answer = await this.connection.ask(this.connection.path("snapshot"), { timeout: 300, stream: true });
    const things = new Map<string, Thing>();
    for await (const line of lines(answer)) {
      const told = JSON.parse(line) as Thing | End;
      if (!("end" in told)) {
        things.set(name(told.kind, told.id), told);
        continue;
      }
      if (told.count !== things.size) throw new CutOff(`${told.count} lines were promised and ${things.size} came`);
      this.things = things;
      this.after = told.after;
      this.outdated = false;
      await this.save();
      tell(`a snapshot of ${told.count} things, to ${told.after}`);
      return;
    }
    throw new CutOff("the snapshot's last line did not come");
  }

  private async save(): Promise<void> {
    const text = JSON.stringify({ after: this.after, things: [...this.things.values()] });
    await writeFile(`${this.file}.partial`, text);
    await rename(`${this.file}.partial`, this.file);
  }
}

function name(kind: string, id: string): string {
  return `${kind} ${id}`;
}

/** The whole lines of an answer; what comes after the last line break is not one. */
async function* lines(answer: Response): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** Longer with each failure, and never all followers at the same moment. */
async function pause(failures: number, why: string): Promise<void> {
  const seconds = (0.5 + Math.random() / 2) * Math.min(60, 0.25 * 2 ** failures);
  tell(`${why}; again in ${seconds.toFixed(1)} s`);
  await sleep(seconds * 1000);
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { "until-current": { type: "boolean", default: false } },
});
const [file] = positionals;
if (!file) {
  tell("usage: mirror.js FILE [--until-current]");
  process.exit(2);
}
const mirror = new Mirror(file, new Connection(Infinity));
try {
  await mirror.load();
  await mirror.follow(values["until-current"]);
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  tell(`mirror: ${error.message}`);
  process.exitCode = 1;
}
