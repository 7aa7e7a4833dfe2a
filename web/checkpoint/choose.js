// Choosing what is checked here: each use case with why it asks, and for what.
import { h } from './dom.js'
import { said, t } from './words.js'

export function chooseUseCase(app) {
  app.useCase = null
  const asked = (useCase) => (useCase.credentials ?? []).map((credential) => h('div', { class: 'asked' },
    h('span', { class: 'card-title' }, said(credential.title)),
    (credential.claims ?? []).length > 0 && h('ul', { class: 'claims-asked' }, credential.claims.map((claim) => h('li', {}, said(claim.label))))))
  const option = (useCase) => h('li', {},
    h('button', { type: 'button', id: `case-${useCase.name}`, class: 'case', 'aria-describedby': `about-${useCase.name}`, on: { click: () => app.begin(useCase) } },
      h('span', { class: 'case-name' }, said(useCase.title)),
      h('span', { class: 'purpose', id: `about-${useCase.name}` }, said(useCase.purpose))),
    asked(useCase))
  return {
    name: 'choose',
    render: () => h('section', { class: 'wide-section' },
      h('h1', { tabindex: -1, 'data-focus': true }, t('choose-title')),
      h('p', { class: 'soft' }, t('choose-words')),
      app.useCases.length === 0
        ? h('p', {}, t('no-use-cases'))
        : h('ul', { class: 'cases' }, app.useCases.map(option))),
  }
}
