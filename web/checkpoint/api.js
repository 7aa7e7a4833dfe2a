// Calls to the checkpoint API, and what went wrong as one of a few kinds that the page knows how to tell.

const BASE = '/checkpoint/api/v1'

/** Longer than any answer takes but a long poll's. */
const PATIENCE_MS = 15_000

/**
 * What went wrong. `kind`: `offline` (no connection), `away` (the service cannot answer now), `busy` (it has
 * too much from here), `session` (the token is
 * not, or no longer, good), `forbidden`, `gone` (unknown, or over), `refused` (any other answer; `problem` says why).
 */
export class Trouble extends Error {
  constructor(kind, status = 0, problem = null) {
    super(problem?.title ?? kind)
    Object.assign(this, { kind, status, problem })
  }
}

const kindOf = (status) => {
  if (status === 401) return 'session'
  if (status === 403) return 'forbidden'
  if (status === 404 || status === 410) return 'gone'
  if (status === 429) return 'busy'
  return status >= 500 ? 'away' : 'refused'
}

/** By how much the service's clock is ahead of this device's, as of its last answer. */
let ahead = 0

/** The time at the service, in milliseconds. */
export const serviceNow = () => Date.now() + ahead

/** The calls of one signed-in checkpoint. */
export class Api {
  #token

  constructor(token) { this.#token = token }

  /** One call; gives the response, its status good. Ends when `signal` does. */
  async response(method, path, { body, signal, accept = 'application/json', patience = PATIENCE_MS } = {}) {
    const stop = new AbortController()
    const given = () => stop.abort(signal.reason)
    signal?.addEventListener('abort', given)
    if (signal?.aborted) given()
    const timer = setTimeout(() => stop.abort(new Trouble('offline')), patience)
    try {
      const response = await fetch(path.startsWith('/checkpoint') ? path : BASE + path, {
        method,
        headers: {
          accept,
          ...(this.#token && { authorization: `Bearer ${this.#token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: stop.signal,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
      })
      const date = Date.parse(response.headers.get('date'))
      if (Number.isFinite(date) && Math.abs(date - Date.now()) > 2000) ahead = date - Date.now()
      else ahead = 0
      if (!response.ok) throw new Trouble(kindOf(response.status), response.status, await problemOf(response))
      return response
    } catch (error) {
      if (error instanceof Trouble) throw error
      if (signal?.aborted) throw signal.reason
      throw new Trouble('offline')
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', given)
    }
  }

  /** One call; gives the JSON of the answer, or nothing for an answer without a body. */
  async json(method, path, options) {
    const response = await this.response(method, path, options)
    if (response.status === 204) return undefined
    try {
      return await response.json()
    } catch {
      throw new Trouble('offline')
    }
  }

  useCases() { return this.json('GET', '/use-cases') }

  begin(order, signal) { return this.json('POST', '/presentations', { body: order, signal }) }

  addBoardingPass(id, text) { return this.json('PUT', `/presentations/${encodeURIComponent(id)}/boarding-pass`, { body: { boarding_pass: text } }) }

  admit(id, reason) { return this.json('POST', `/presentations/${encodeURIComponent(id)}/admission`, { body: { reason } }) }

  /** Ends a presentation, also while the page goes away; whether it worked does not matter, it ends by itself. */
  forget(id) {
    const headers = { authorization: `Bearer ${this.#token}` }
    fetch(`${BASE}/presentations/${encodeURIComponent(id)}`, { method: 'DELETE', headers, keepalive: true, credentials: 'omit' }).catch(() => {})
  }

  /** Hands over what the browser gave: the members `protocol` and `data`. */
  answerOfBrowser(id, credential) { return this.json('POST', `/presentations/${encodeURIComponent(id)}/response`, { body: credential }) }

  newCode(useCase) { return this.json('POST', '/shown/codes', { body: { use_case: useCase } }) }

  decideShown(order) { return this.json('POST', '/shown/decisions', { body: order }) }
}

async function problemOf(response) {
  try { return await response.json() } catch { return null }
}

/** Redeems a pairing code for a token. */
export const pair = (code) => new Api(null).json('POST', '/checkpoint/pair', { body: { code } })
