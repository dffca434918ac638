import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'vitest'
import { makeContacts } from '../make-contacts.mjs'
import { contactsOf } from '../src/card-contacts.mjs'
import { itemId, merged } from '../src/contacts.mjs'
import { SAMPLE } from '../src/story.mjs'
import { readCards } from '../src/vcard.mjs'

test('the sample is what its generator makes, and every card of it can be read', () => {
  const text = readFileSync(SAMPLE, 'utf8')
  assert.equal(text, makeContacts())
  const { cards, unreadable } = readCards(text)
  assert.deepEqual(unreadable, [])
  assert.equal(cards.length, 540)
  assert.equal(contactsOf(cards).size, 540)
})

test('a vCard 3.0 becomes a contact, with the labels of its groups', () => {
  const contact = contactOf(
    'VERSION:3.0',
    'N:Nyström;Liv;;Dr.;',
    'FN:Dr. Liv Nyström',
    'ORG:Acme\\, Inc.;R&D',
    'TEL;TYPE=CELL,VOICE;TYPE=pref:+1-202-555-0101',
    'item1.TEL:+1-202-555-0102',
    'item1.X-ABLabel:_$!<Mobile>!$_',
    'ADR;TYPE=home:;;1 Main St\\, Apt 2;Nordhavn;;1000;Norge',
    'NOTE:one\\ntwo\\; three\\, fo',
    ' ur 🎉',
    'CATEGORIES:choir,book club\\, Tuesdays',
    'BDAY:19800229',
    'PHOTO;ENCODING=b;TYPE=GIF:R0lG'
  )
  assert.deepEqual(contact, {
    fullName: 'Dr. Liv Nyström',
    name: { family: 'Nyström', given: 'Liv', prefix: 'Dr.' },
    organization: { name: 'Acme, Inc.', unit: 'R&D' },
    birthday: '1980-02-29',
    note: 'one\ntwo; three, four 🎉',
    photo: 'data:image/gif;base64,R0lG',
    phones: {
      [itemId('+12025550101')]: { value: '+1-202-555-0101', type: 'cell' },
      [itemId('+12025550102')]: { value: '+1-202-555-0102', type: 'mobile' }
    },
    addresses: {
      [itemId('1 Main St, Apt 2,Nordhavn,1000,Norge')]: {
        street: '1 Main St, Apt 2',
        locality: 'Nordhavn',
        code: '1000',
        country: 'Norge',
        type: 'home'
      }
    },
    categories: { choir: true, 'book club, Tuesdays': true }
  })
})

test('a vCard 4.0 becomes a contact', () => {
  const contact = contactOf(
    'VERSION:4.0',
    'FN:青空 さくら',
    'TEL;VALUE=uri;PREF=1;TYPE="cell,voice":tel:+1-202-555-0101',
    'BDAY:--0229',
    'PHOTO:https://photos.example.org/1.jpg'
  )
  assert.deepEqual(contact, {
    fullName: '青空 さくら',
    birthday: '--02-29',
    photo: 'https://photos.example.org/1.jpg',
    phones: { [itemId('+1-202-555-0101')]: { value: '+1-202-555-0101', type: 'cell' } }
  })
})

test('a card that cannot be read costs only itself', () => {
  const good = card('VERSION:3.0', 'FN:Good')
  const { cards, unreadable } = readCards(
    `${card('VERSION:3.0', 'no colon')}${card('VERSION:2.1', 'FN:Old')}${good}BEGIN:VCARD`
  )
  assert.deepEqual(
    [...contactsOf(cards).values()].map(({ fullName }) => fullName),
    ['Good']
  )
  assert.deepEqual(
    unreadable.map(({ line }) => line),
    [1, 5, 13]
  )
})

test('two cards of one contact become one, and the first decides', () => {
  const { cards } = readCards(
    card('VERSION:3.0', 'UID:1', 'FN:Ada', 'TEL:+1-202-555-0101') +
      card('VERSION:4.0', 'UID:1', 'FN:Ada A.', 'TITLE:Vet')
  )
  const [contact, ...rest] = contactsOf(cards).values()
  assert.deepEqual(rest, [])
  assert.equal(contact?.fullName, 'Ada')
  assert.equal(contact.title, 'Vet')
})

test('the same phone has the same id however it is written', () => {
  assert.equal(itemId('+1 (202) 555-0101'), itemId('+1-202-555-0101'))
})

test('a patch changes the fields it has, at any depth, and nothing else', () => {
  const base = { a: 1, map: { b: 2, c: 3 } }
  assert.deepEqual(merged(base, { map: { c: 4, d: 5 } }), { a: 1, map: { b: 2, c: 4, d: 5 } })
  assert.deepEqual(base, { a: 1, map: { b: 2, c: 3 } })
})

/** @param {string[]} lines */
function card(...lines) {
  return ['BEGIN:VCARD', ...lines, 'END:VCARD', ''].join('\r\n')
}

/** @param {string[]} lines */
function contactOf(...lines) {
  const { cards, unreadable } = readCards(card(...lines))
  assert.deepEqual(unreadable, [])
  return [...contactsOf(cards).values()][0]
}
