// On amber: what to do, and letting somebody pass by hand, with a reason that is recorded and no name.
import { Trouble } from './api.js'
import { announce, h, icon } from './dom.js'
import { said, t } from './words.js'

/** `reason` is the one of the statement; what to do about it and why one may admit are the service's to say. */
export function admission(app, { id, reason, entry, paint }) {
  const { reasons, steps } = app.byHand
  const todo = steps[reason] ?? []
  let admitted = null
  let dialog = null

  function ask() {
    const choice = ({ code, label }) => h('label', { class: 'choice' },
      h('input', { type: 'radio', name: 'reason', value: code }),
      h('span', {}, said(label)))
    const problem = h('p', { class: 'remark', role: 'alert' })
    const confirm = h('button', { type: 'submit', id: 'confirm-admission', class: 'button primary' }, t('admit-confirm'))
    const submit = async (event) => {
      event.preventDefault()
      const code = new FormData(event.target).get('reason')
      if (!code) {
        problem.textContent = t('admit-choose')
        return
      }
      confirm.disabled = true
      try {
        await app.api.admit(id, code)
        admitted = reasons.find((known) => known.code === code)
        entry.byHand = true
        close()
        announce(t('admitted-by-hand'), true)
        paint()
      } catch (error) {
        if (app.isOver(error)) return
        const kind = error instanceof Trouble ? error.kind : 'away'
        problem.textContent = said(error.problem?.message) || t(['offline', 'away'].includes(kind) ? `trouble-${kind}` : 'admit-failed')
        confirm.disabled = false
      }
    }
    dialog = h('dialog', { class: 'sheet-dialog', 'aria-labelledby': 'admit-title' },
      h('form', { class: 'stack', novalidate: true, on: { submit } },
        h('h2', { id: 'admit-title' }, t('admit-title')),
        h('p', { class: 'soft' }, t('admit-words')),
        h('fieldset', {}, h('legend', { class: 'unseen' }, t('admit-title')), reasons.map(choice)),
        problem,
        h('div', { class: 'row end' },
          h('button', { type: 'button', class: 'button', on: { click: close } }, t('cancel')),
          confirm)))
    dialog.addEventListener('cancel', (event) => { event.preventDefault(); close() })
    document.body.append(dialog)
    dialog.showModal()
  }

  function close() {
    dialog?.close()
    dialog?.remove()
    dialog = null
    document.getElementById('admit')?.focus()
  }

  return {
    close,

    /** The fixed list of what to do. */
    steps: () => todo.length > 0 && h('section', { class: 'card what-to-do', 'aria-labelledby': 'what-to-do' },
      h('h2', { id: 'what-to-do' }, t('what-to-do')),
      h('ol', {}, todo.map((step) => h('li', {}, h('span', {}, said(step)))))),

    /** The way to admit, or what was recorded. */
    button: () => (admitted
      ? h('p', { class: 'admitted', role: 'status' }, icon('hand'), h('span', {}, h('strong', {}, t('admitted-by-hand')), ' ', said(admitted.label)))
      : id && h('button', { type: 'button', id: 'admit', class: 'button admit', on: { click: ask } }, icon('hand'), t('admit'))),
  }
}
