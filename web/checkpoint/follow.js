// Follows a presentation until it ends: by event stream while that works, else by long poll.
//
// A browser's own EventSource cannot send a token, so the stream is read from a fetch.
import { Trouble } from './api.js'

/** A little more than the pause between signs of life of a stream. */
const SIGN_OF_LIFE_MS = 20_000
/** More than two of the pauses between signs of life of a stream; after it the line is taken for dead. */
const SILENCE_MS = 35_000
/** Longer than a long poll is held by the service. */
const POLL_PATIENCE_MS = 60_000
const PAUSES_MS = [300, 1000, 2000, 4000, 8000]
/** So many streams in a row that gave nothing, and the rest is polled: something between holds streams back. */
const DUMB_STREAMS = 2
const WAITED_OUT = ['offline', 'away', 'busy']

/**
 * Calls `seen` with each state of the presentation, and `trouble` when the line or the service is away (and, with null,
 * when it is back). Ends after a final state, or with the trouble that cannot be waited out.
 */
export async function follow(api, id, { signal, seen, trouble }) {
  let failures = 0
  let dumb = 0
  let revision
  while (!signal.aborted) {
    const use = dumb < DUMB_STREAMS ? stream : poll
    let gave = false
    try {
      const ended = await use(api, id, signal, (view) => {
        gave = true
        revision = view.revision ?? revision
        if (failures > 0) trouble(null)
        failures = 0
        return seen(view)
      }, revision)
      if (ended) return
      if (use === stream) dumb = gave ? 0 : dumb + 1
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Trouble) || !WAITED_OUT.includes(error.kind)) throw error
      trouble(error.kind === 'offline' ? 'offline' : 'away')
      failures += 1
    }
    await rest(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)], signal)
  }
}

const path = (id) => `/presentations/${encodeURIComponent(id)}`
const isFinal = (state) => state === 'answered' || state === 'expired'

async function poll(api, id, signal, seen, after) {
  const since = after === undefined ? '' : `&after=${after}`
  const response = await api.response('GET', `${path(id)}?wait=25${since}`, { signal, patience: POLL_PATIENCE_MS })
  const view = await response.json().catch(() => { throw new Trouble('offline') })
  seen(view)
  return isFinal(view.state)
}

async function stream(api, id, signal, seen) {
  const response = await api.response('GET', path(id), { signal, accept: 'text/event-stream' })
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const view = await response.json().catch(() => { throw new Trouble('offline') })
    seen(view)
    return isFinal(view.state)
  }
  const reader = response.body.getReader()
  let lost = false
  const stop = () => reader.cancel().catch(() => {})
  // A dead line gives no sign of it by itself; the browser knows when the device has no network.
  const lose = () => {
    lost = true
    stop()
  }
  let heard = Date.now()
  // A device that slept may come back with a line that died meanwhile.
  const wake = () => document.visibilityState === 'visible' && Date.now() - heard > SIGN_OF_LIFE_MS && lose()
  signal.addEventListener('abort', stop)
  addEventListener('offline', lose)
  addEventListener('visibilitychange', wake)
  let timer
  try {
    const events = new Events()
    for (;;) {
      clearTimeout(timer)
      timer = setTimeout(lose, SILENCE_MS)
      const { value, done } = await reader.read().catch(() => { throw new Trouble('offline') })
      heard = Date.now()
      if (lost) throw new Trouble('offline')
      if (done || signal.aborted) return false
      for (const { type, data } of events.take(value)) {
        const view = stateOf(type, data)
        if (!view) continue
        seen(view)
        if (isFinal(view.state)) return true
      }
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    removeEventListener('offline', lose)
    removeEventListener('visibilitychange', wake)
    stop()
  }
}

const STATES = { request: 'waiting', fetched: 'fetched', result: 'answered', expired: 'expired' }

function stateOf(type, data) {
  if (!Object.hasOwn(STATES, type)) return null
  let view
  try { view = JSON.parse(data) } catch { return null }
  return { ...view, state: view.state ?? STATES[type] }
}

/** Takes an event stream apart (HTML, section 9.2.6), as far as events have a type and data. */
export class Events {
  #decoder = new TextDecoder()
  #rest = ''

  /** The events that are complete with these bytes. */
  take(bytes) {
    this.#rest += this.#decoder.decode(bytes, { stream: true })
    const blocks = this.#rest.split(/\r\n\r\n|\n\n|\r\r/)
    this.#rest = blocks.pop()
    return blocks.map(read).filter(({ data }) => data !== '')
  }
}

function read(block) {
  const event = { type: 'message', data: '' }
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const [name, value] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
    if (name === 'event') event.type = value
    if (name === 'data') event.data += (event.data && '\n') + value
  }
  return event
}

/** Waits, and no longer than until the browser says that the line is back. */
function rest(milliseconds, signal) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer)
      removeEventListener('online', end)
      signal.removeEventListener('abort', end)
      done()
    }
    const timer = setTimeout(end, milliseconds)
    addEventListener('online', end)
    signal.addEventListener('abort', end)
  })
}
