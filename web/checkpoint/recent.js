// The last decisions, in the memory of the page and nowhere else: gone when it is loaded again. No person is in it.
import { h } from './dom.js'
import { clockTime, said, t } from './words.js'

/** So many are of use when an officer is asked about the last minutes. */
const MOST = 30

const entries = []

/** Remembers a decision; gives the entry, so that an admission by hand can be added. */
export function remember(statement, useCase) {
  const { decision, reason, message } = statement
  const entry = { at: new Date(), useCase: useCase.title, decision, reason, message, byHand: false }
  entries.unshift(entry)
  entries.length = Math.min(entries.length, MOST)
  return entry
}

export function forgetAll() { entries.length = 0 }

export function list() {
  if (entries.length === 0) return h('p', { class: 'soft' }, t('recent-none'))
  const line = ({ at, useCase, decision, message, byHand }) => h('li', { class: `entry ${decision}` },
    h('span', { class: 'chip' }, h('span', { class: `shape ${decision}`, 'aria-hidden': 'true' }), t(`decision-${decision}`)),
    h('span', { class: 'when' }, clockTime(at)),
    h('span', { class: 'case' }, said(useCase)),
    h('span', { class: 'why' }, byHand ? h('strong', {}, t('admitted-by-hand')) : said(message)))
  return h('ol', { class: 'entries' }, entries.map(line))
}
