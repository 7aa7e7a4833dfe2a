// Other ways to a wallet than its camera: a wallet on this device, the browser, and codes that the officer's camera reads.
import { Trouble } from './api.js'
import { isBoardingPass } from './boarding-pass.js'
import * as digital from './digital.js'
import { follow } from './follow.js'
import { Frames, isFrame } from './frames.js'
import { t } from './words.js'

const CHANNEL = 'yufu.checkpoint.returned'

/** What the scanner does with a text: a pass, a part of a shown presentation, or a remark about anything else. */
export function recognise(state, { pass, shown }) {
  const frames = new Frames()
  return (text) => {
    if (isFrame(text)) {
      if (state.phase === 'pass') return { remark: t('pass-comes-first') }
      if (!state.showsQr) return { remark: t('shown-not-here') }
      if (!frames.take(text)) return undefined
      if (!frames.isComplete) return { progress: frames.present }
      shown(frames.texts)
      return true
    }
    if (isBoardingPass(text)) {
      if (!state.takesPass) return { remark: t('no-pass-here') }
      pass(text)
      return true
    }
    return { remark: t(/^(openid4vp|haip-vp|eudi-openid4vp):/.test(text) ? 'that-is-our-code' : 'not-a-known-code') }
  }
}

/** Asks a wallet on this device; gives the statement, or null when the holder did not go on. */
export async function ask({ api, order, flow, signal, trouble, began }) {
  const back = flow === 'same_device' && { redirect_uri: `${location.origin}/checkpoint` }
  const made = await api.begin({ ...order, flow, ...back }, signal)
  began(made)
  return flow === 'dc_api' ? askBrowser(api, made, signal) : askApp(api, made, signal, trouble)
}

async function askBrowser(api, made, signal) {
  const answer = await digital.ask(made.dc_api, signal)
  if (!answer) return null
  const view = await api.answerOfBrowser(made.id, answer)
  return view.statement ?? null
}

/** The wallet sends the person back to this page, in a new tab perhaps, with a code that opens the result. */
async function askApp(api, made, signal, trouble) {
  const returned = codeOf(signal)
  location.href = made.authorization_request
  let statement = null
  let ended = false
  const seen = (view) => {
    statement = view.statement ?? null
    ended = view.state === 'expired'
  }
  await follow(api, made.id, { signal, seen, trouble })
  if (statement || ended || signal.aborted) return statement
  const code = await returned
  const view = await api.json('GET', `/presentations/${encodeURIComponent(made.id)}?response_code=${encodeURIComponent(code)}`, { signal })
  if (!view.statement) throw new Trouble('gone')
  return view.statement
}

/** The response code, as the tab that the wallet opened tells it. */
function codeOf(signal) {
  return new Promise((done) => {
    const channel = new BroadcastChannel(CHANNEL)
    channel.addEventListener('message', ({ data }) => {
      if (typeof data?.code !== 'string') return
      channel.postMessage({ taken: true })
      channel.close()
      done(data.code)
    })
    signal.addEventListener('abort', () => channel.close())
  })
}

/** Hands a response code to the tab that waits for it; whether one did. */
export function handOver(code) {
  return new Promise((done) => {
    const channel = new BroadcastChannel(CHANNEL)
    const end = (taken) => {
      clearTimeout(timer)
      channel.close()
      done(taken)
    }
    const timer = setTimeout(end, 1500, false)
    channel.addEventListener('message', ({ data }) => data?.taken && end(true))
    channel.postMessage({ code })
  })
}
