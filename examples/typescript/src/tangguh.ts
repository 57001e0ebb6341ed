/**
 * A connection to Tangguh for a machine: its key or an OAuth token, and patience with a bad line.
 *
 * Settings are variables of the environment:
 *   TANGGUH_URL        where the service is, as http://127.0.0.1:8080
 *   TANGGUH_PROGRAM    the programme's slug
 *   TANGGUH_KEY_FILE   a file with the client's key (tgh_ck_…), which nobody else may read
 *   TANGGUH_CLIENT_ID  the client's id: with it, the key is exchanged for OAuth tokens
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import type { components } from "../generated/api.js";

export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** The service did not begin, or its answer was lost: the same request may be sent again. */
const PASSING = new Set([429, 500, 502, 503, 504]);
const LONGEST_PAUSE = 30;

/** The service said no, and would say it again. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Schema<"Problem">>,
  ) {
    super(`${status} ${nameOf(problem)}: ${problem.detail ?? ""}`);
  }

  get problemName(): string {
    return nameOf(this.problem);
  }
}

function nameOf(problem: Partial<Schema<"Problem">>): string {
  // OAuth's endpoint has errors of its own form.
  const named = problem.type ?? (problem as { error?: string }).error ?? "";
  return named.replace(/^\/problems\//, "");
}

/** No answer for as long as patience lasted. */
export class GaveUp extends Error {}

export interface Request {
  method?: "GET" | "POST";
  body?: string;
  headers?: Record<string, string>;
  /** Seconds in which the answer must begin and end. */
  timeout?: number;
  /** Whether it is read as it comes. Whoever does so sees it break off. */
  stream?: boolean;
}

export class Connection {
  readonly url = setting("TANGGUH_URL").replace(/\/$/, "");
  readonly program = setting("TANGGUH_PROGRAM");
  private readonly keyFile = setting("TANGGUH_KEY_FILE");
  private readonly clientId = process.env["TANGGUH_CLIENT_ID"];
  private token = "";
  private tokenUntil = 0;

  /**
   * `patience`: seconds after which a request that is not answered is given up. Past a day's share one is asked to wait for
   * hours.
   */
  constructor(private readonly patience = 300) {}

  path(rest: string): string {
    return `/api/v1/programs/${this.program}/${rest}`;
  }

  /** The answer, or `Refused`. A POST must be safe to repeat: by an `external_ref` or an `Idempotency-Key`. */
  async ask(path: string, request: Request = {}): Promise<Response> {
    let renewed = false;
    for (;;) {
      const answer = await this.patiently(async () => {
        const headers = new Headers(request.headers);
        headers.set("Authorization", `Bearer ${await this.bearer()}`);
        if (request.body !== undefined) headers.set("Content-Type", "application/json");
        const answer = await fetch(this.url + path, {
          method: request.method ?? "GET",
          headers,
          ...(request.body === undefined ? {} : { body: request.body }),
          signal: AbortSignal.timeout((request.timeout ?? 30) * 1000),
        });
        return request.stream ? answer : whole(answer);
      });
      if (answer.status === 401 && this.clientId && !renewed) {
        // The token ended on the way, by its time or because the key did.
        renewed = true;
        this.tokenUntil = 0;
        continue;
      }
      if (!answer.ok) throw await refusal(answer);
      return answer;
    }
  }

  /** Sends until there is an answer that is not passing, or patience is over. */
  private async patiently(send: () => Promise<Response>): Promise<Response> {
    const began = performance.now();
    for (let tries = 0; ; tries += 1) {
      let said: string;
      let pause = Math.random() * Math.min(LONGEST_PAUSE, 0.25 * 2 ** tries);
      try {
        const answer = await send();
        if (!PASSING.has(answer.status)) return answer;
        said = String(answer.status);
        pause = wantedPause(answer) ?? pause;
      } catch (error) {
        if (!isLost(error)) throw error;
        said = error.name;
      }
      // Never all at the same moment, also where the service named one.
      pause += Math.random() * 0.25;
      if ((performance.now() - began) / 1000 + pause > this.patience) {
        throw new GaveUp(`no answer in ${this.patience} s; the last was ${said}`);
      }
      tell(`${said}: again in ${pause.toFixed(1)} s`);
      await sleep(pause * 1000);
    }
  }

  /** The key, read anew each time so that it can be changed under a running program; or a token for it. */
  private async bearer(): Promise<string> {
    const key = (await readFile(this.keyFile, "utf8")).trim();
    if (!this.clientId) return key;
    if (performance.now() >= this.tokenUntil) await this.renew(this.clientId, key);
    return this.token;
  }

  private async renew(clientId: string, key: string): Promise<void> {
    const answer = await this.patiently(async () =>
      whole(
        await fetch(`${this.url}/api/v1/oauth/token`, {
          method: "POST",
          headers: { Authorization: `Basic ${btoa(`${clientId}:${key}`)}` },
          body: new URLSearchParams({ grant_type: "client_credentials" }),
          signal: AbortSignal.timeout(30_000),
        }),
      ),
    );
    if (!answer.ok) throw await refusal(answer);
    const told = (await answer.json()) as Schema<"ClientToken">;
    this.token = told.access_token;
    this.tokenUntil = performance.now() + (told.expires_in - 30) * 1000;
  }
}

/** The answer with all of its body: one that breaks off is a lost connection. */
async function whole(answer: Response): Promise<Response> {
  return new Response(await answer.arrayBuffer(), answer);
}

/** Whether this is a lost connection or a late answer: what fetch throws has a cause, and a mistake of ours has none. */
export function isLost(error: unknown): error is Error {
  return (error instanceof TypeError && error.cause !== undefined) || (error instanceof DOMException && error.name === "TimeoutError");
}

async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text();
  try {
    return new Refused(answer.status, JSON.parse(text) as Schema<"Problem">);
  } catch {
    return new Refused(answer.status, { detail: answer.statusText });
  }
}

/** `Retry-After`, which Tangguh gives in seconds. */
function wantedPause(answer: Response): number | undefined {
  const said = answer.headers.get("Retry-After");
  return said && /^\d+$/.test(said) ? Number(said) : undefined;
}

/** The target of a `Link` by its relation. */
export function linked(answer: Response, relation: string): string | undefined {
  for (const link of (answer.headers.get("Link") ?? "").split(/,\s*(?=<)/)) {
    const [, target, rest] = /^<([^>]*)>(.*)$/.exec(link) ?? [];
    if (rest?.includes(`rel="${relation}"`)) return target;
  }
  return undefined;
}

export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** To whoever watches; what the programs answer goes to standard output. */
export function tell(text: string): void {
  console.error(text);
}
