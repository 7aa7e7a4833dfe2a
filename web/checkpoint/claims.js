// What was disclosed, in words: labels in both languages, values as people read them, the portrait as a picture.
import { h } from './dom.js'
import { has, language, otherLanguage, t } from './words.js'

/** Pictures that are shown; anything else in a claim of that name stays text, and is left out. */
const PORTRAIT = /^data:image\/(jpeg|png|webp|avif);base64,[A-Za-z0-9+/]+={0,2}$/

/** Labels by type and path, read once from the public metadata of types. */
const labels = new Map()

/**
 * Reads what a type calls its claims (SD-JWT VC type metadata, section 4.6). Only types of this service: the page asks no
 * other host. What cannot be read is shown under its own name.
 */
export async function learn(type) {
  if (typeof type !== 'string' || labels.has(type)) return
  let path
  try {
    const address = new URL(type)
    path = /^\/credential-types\/[\w.-]+$/.exec(address.pathname)?.[0]
  } catch { /* a type that is no address */ }
  if (!path) return
  const response = await fetch(path, { headers: { accept: 'application/json' } }).catch(() => null)
  const metadata = response?.ok ? await response.json().catch(() => null) : null
  if (metadata?.vct !== type) return
  const own = new Map()
  for (const claim of metadata.claims ?? []) own.set(JSON.stringify(claim.path), byLanguage(claim.display, 'label'))
  labels.set(type, { title: byLanguage(metadata.display, 'name'), own })
}

function byLanguage(display, member) {
  return Object.fromEntries((display ?? []).map((entry) => [entry.locale ?? entry.lang, entry[member] ?? entry.name ?? entry.label]))
}

/** What the type is called, in the page's language. */
export const titleOf = (type) => labels.get(type)?.title[language()] ?? String(type).split('/').pop()

/** The label of a claim in a language. */
function labelOf(type, path, tag) {
  const own = labels.get(type)?.own
  const known = own?.get(JSON.stringify(path)) ?? own?.get(JSON.stringify(path.map((step) => (typeof step === 'number' ? null : step))))
  return known?.[tag] ?? (tag === language() ? path.join(' · ') : '')
}

/** Every value that was disclosed, as [path, value], portraits and empty parts left out. */
function flat(claims, path = []) {
  return Object.entries(claims ?? {}).flatMap(([name, value]) => {
    const here = [...path, Array.isArray(claims) ? Number(name) : name]
    if (value !== null && typeof value === 'object') return flat(value, here)
    if (path.length === 0 && name === 'portrait') return []
    return [[here, value]]
  })
}

function words(path, value) {
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no')
  const known = `value-${path.at(-1)}-${value}`
  return has(known) ? t(known) : String(value)
}

/** The names come first and large: what an officer compares. */
const NAMES = ['name']

/** The portrait, or a sign that none was shown. */
export function portrait(credentials) {
  const found = credentials.map((credential) => credential?.claims?.portrait).find((value) => typeof value === 'string' && PORTRAIT.test(value))
  return found ? h('img', { class: 'portrait', src: found, alt: t('portrait') }) : null
}

/** The full name that was disclosed, large. */
export function names(credentials) {
  const name = credentials.map((credential) => credential?.claims?.name).find((value) => typeof value === 'string')
  return name ? h('p', { class: 'name' }, name) : null
}

/** The claims of a credential as a list of terms, the label in both languages. */
export function list(credential) {
  const rows = flat(credential.claims).filter(([path]) => !NAMES.includes(path.join('.')))
  if (rows.length === 0) return null
  const other = otherLanguage()
  const row = ([path, value]) => {
    const [label, second] = [labelOf(credential.type, path, language()), labelOf(credential.type, path, other)]
    return h('div', {},
      h('dt', {}, label, second && h('span', { lang: other, class: 'second' }, second)),
      h('dd', {}, words(path, value)))
  }
  return h('dl', { class: 'claims' }, rows.map(row))
}
