// The bar at the top: where one is, sound, language, and the way out.
import { h, icon } from './dom.js'
import * as sound from './sound.js'
import { LANGUAGES, language, nameOf, said, t } from './words.js'

/** One picture for all views: drawn anew, it would be asked for anew. */
const mark = h('img', { class: 'mark', src: '/assets/tally.svg', alt: '', width: 36, height: 36 })

export function header(app) {
  const signedIn = app.api !== null
  return h('header', { class: 'bar' },
    mark,
    h('p', { class: 'brand' }, t('brand'), h('span', {}, t('brand-place'))),
    signedIn && app.useCase && h('button', { type: 'button', id: 'use-case', class: 'button case-button', title: t('change-use-case'), on: { click: app.choose } },
      h('span', { class: 'unseen' }, t('use-case'), ' '), h('span', { class: 'case-title' }, said(app.useCase.title)), icon('down')),
    h('span', { class: 'gap' }),
    h('div', { class: 'languages', role: 'group', 'aria-label': t('languages') }, LANGUAGES.map((tag) => h('button', {
      type: 'button', id: `language-${tag}`, class: 'button plain', lang: tag, 'aria-pressed': String(tag === language()),
      on: { click: () => app.setLanguage(tag) },
    }, nameOf(tag)))),
    h('button', {
      type: 'button', id: 'sound', class: 'button round', 'aria-pressed': String(sound.isOn()), 'aria-label': t('sound'), title: t(sound.isOn() ? 'sound-is-on' : 'sound-is-off'),
      on: { click: () => { sound.toggle(); app.paint() } },
    }, icon(sound.isOn() ? 'sound' : 'mute')),
    signedIn && h('button', { type: 'button', id: 'sign-out', class: 'button round', 'aria-label': t('sign-out'), title: t('sign-out'), on: { click: () => app.signOut('signed-out') } }, icon('leave')))
}

/** A remark over the view: calm, and with what is being done about it. */
export const notice = (kind, text, ...more) => h('div', { class: `notice ${kind}`, role: kind === 'bad' ? 'alert' : 'status' }, h('p', {}, text), more)
