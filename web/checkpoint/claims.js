// What was disclosed, in words: labels in both languages, values as people read them, the portrait as a picture.
import { h, icon } from './dom.js'
import { has, language, otherLanguage, said, t } from './words.js'

/** Pictures that are shown; anything else in a claim of that name stays text, and is left out. */
const PORTRAIT = /^data:image\/(jpeg|png|webp|avif);base64,[A-Za-z0-9+/]+={0,2}$/

/** What types of this service are called, and what they call their claims, by type. */
const types = new Map()

/**
 * Reads what a type calls its claims (SD-JWT VC type metadata, section 4.6), for what is disclosed without being asked for.
 * Only types of this service: the page asks no other host. What cannot be read is shown under its own name.
 */
export async function learn(type) {
  if (typeof type !== 'string' || types.has(type)) return
  const own = { title: null, labels: new Map() }
  types.set(type, own)
  let address
  try { address = new URL(type) } catch { return }
  if (address.origin !== location.origin || !/^\/credential-types\/[\w.-]+$/.test(address.pathname)) return
  const response = await fetch(address.pathname, { headers: { accept: 'application/json' } }).catch(() => null)
  const metadata = response?.ok ? await response.json().catch(() => null) : null
  if (metadata?.vct !== type) return
  const byLanguage = (display, member) => Object.fromEntries((display ?? []).map((entry) => [entry.locale, entry[member]]))
  own.title = byLanguage(metadata.display, 'name')
  for (const { path, display } of metadata.claims ?? []) own.labels.set(JSON.stringify(path), byLanguage(display, 'label'))
}

/** What a credential is called: as the use case asks for it, else as its type says. */
export const titleOf = ({ type, asked }) => said(asked?.title) || said(types.get(type)?.title) || String(type).split('/').pop()

/** The label of a claim in a language: as the use case asks for it, else as its type says, else its own name. */
function labelOf({ type, asked }, path, tag) {
  const places = [path, path.map((step) => (typeof step === 'number' ? null : step))].map((place) => JSON.stringify(place))
  const inUseCase = asked?.claims?.find((claim) => places.includes(JSON.stringify(claim.path)))?.label
  const label = inUseCase ?? places.map((place) => types.get(type)?.labels.get(place)).find(Boolean)
  return label?.[tag] ?? (tag === language() ? path.filter((step) => typeof step === 'string').join(' · ') : '')
}

/** Every value that was disclosed, as [path, value]; lists of texts as one, portraits left out. */
function flat(claims, path = []) {
  return Object.entries(claims ?? {}).flatMap(([name, value]) => {
    const here = [...path, Array.isArray(claims) ? Number(name) : name]
    if (Array.isArray(value) && value.every((one) => one === null || typeof one !== 'object')) return [[[...here, null], value]]
    if (value !== null && typeof value === 'object') return flat(value, here)
    if (path.length === 0 && name === 'portrait') return []
    return [[here, value]]
  })
}

function words(path, value) {
  if (Array.isArray(value)) return value.map((one) => words(path, one)).join(t('list-comma'))
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no')
  const name = `value-${path.at(-1)}-${value}`
  return has(name) ? t(name) : String(value)
}

/** The names come first and large: what an officer compares. */
const NAMES = ['name']

/** The portrait, or a sign that none was shown. */
export function portrait(credentials) {
  const found = credentials.map((credential) => credential?.claims?.portrait).find((value) => typeof value === 'string' && PORTRAIT.test(value))
  if (!found) return none()
  const image = h('img', { class: 'portrait', src: found, alt: t('portrait') })
  image.addEventListener('error', () => image.replaceWith(none()))
  return image
}

const none = () => h('div', { class: 'portrait none', role: 'img', 'aria-label': t('no-portrait') }, icon('person'), h('span', {}, t('no-portrait')))

/** The full name that was disclosed, large. */
export function names(credentials) {
  const name = credentials.map((credential) => credential?.claims?.name).find((value) => typeof value === 'string')
  return name ? h('p', { class: 'name' }, name) : null
}

/** The claims of a credential as a list of terms, the label in both languages. `asked` is what the use case says of it. */
export function list(credential) {
  const rows = flat(credential.claims).filter(([path]) => !NAMES.includes(path.join('.')))
  if (rows.length === 0) return null
  const other = otherLanguage()
  const row = ([path, value]) => {
    const [label, second] = [labelOf(credential, path, language()), labelOf(credential, path, other)]
    return h('div', {},
      h('dt', {}, label, second && h('span', { lang: other, class: 'second' }, second)),
      h('dd', {}, words(path, value)))
  }
  return h('dl', { class: 'claims' }, rows.map(row))
}
