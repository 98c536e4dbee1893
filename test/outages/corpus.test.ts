import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suspectKinds } from '../../src/core/live-incident.ts';
import { controls, findPlay, outages, playSets } from './corpus.ts';

test('the corpus has sixty outages of twenty kinds at least, and thirty controls', () => {
  assert.ok(outages.length >= 60, `${outages.length} outages`);
  const kinds = new Set(outages.map(({ kind }) => kind));
  assert.ok(kinds.size >= 20, `${kinds.size} kinds`);
  assert.ok(controls.length >= 30, `${controls.length} controls`);
});

test('the second set has 24 outages of twelve kinds at least, and twelve controls, with the same shares', () => {
  const names = new Set<string>(playSets.second.map(({ name }) => name));
  const second = outages.filter(({ name }) => names.has(name));
  assert.equal(second.length, 24);
  assert.equal(names.size - second.length, 12);
  assert.ok(new Set(second.map(({ kind }) => kind)).size >= 12);
  assert.ok(second.filter(({ lowRate }) => lowRate).length >= 8);
  assert.ok(second.filter(({ no5xx }) => no5xx).length >= 8);
});

test('the third set has 26 outages of eighteen kinds at least, and ten controls, with the same shares', () => {
  const names = new Set<string>(playSets.third.map(({ name }) => name));
  const third = outages.filter(({ name }) => names.has(name));
  assert.equal(third.length, 26);
  assert.equal(names.size - third.length, 10);
  assert.ok(new Set(third.map(({ kind }) => kind)).size >= 18);
  assert.ok(third.filter(({ lowRate }) => lowRate).length >= 9);
  assert.ok(third.filter(({ no5xx }) => no5xx).length >= 9);
});

test('the fourth set has 30 outages of 25 kinds at least, and twelve controls, with the same shares', () => {
  const names = new Set<string>(playSets.fourth.map(({ name }) => name));
  const fourth = outages.filter(({ name }) => names.has(name));
  assert.equal(fourth.length, 30);
  assert.equal(names.size - fourth.length, 12);
  assert.ok(new Set(fourth.map(({ kind }) => kind)).size >= 25);
  assert.ok(fourth.filter(({ lowRate }) => lowRate).length >= 10);
  assert.ok(fourth.filter(({ no5xx }) => no5xx).length >= 10);
});

test('the fifth set has 45 outages of twenty kinds at least, and twenty controls, with the same shares', () => {
  const names = new Set<string>(playSets.fifth.map(({ name }) => name));
  const fifth = outages.filter(({ name }) => names.has(name));
  assert.equal(fifth.length, 50);
  assert.equal(names.size - fifth.length, 27);
  assert.ok(new Set(fifth.map(({ kind }) => kind)).size >= 20);
  assert.ok(fifth.filter(({ lowRate }) => lowRate).length >= 17);
  assert.ok(fifth.filter(({ no5xx }) => no5xx).length >= 17);
});

test('the sixth set has 34 outages of eighteen kinds at least, and eighteen controls, with the same shares', () => {
  const names = new Set<string>(playSets.sixth.map(({ name }) => name));
  const sixth = outages.filter(({ name }) => names.has(name));
  assert.equal(sixth.length, 34);
  assert.equal(names.size - sixth.length, 18);
  assert.ok(new Set(sixth.map(({ kind }) => kind)).size >= 18);
  assert.ok(sixth.filter(({ lowRate }) => lowRate).length >= 12);
  assert.ok(sixth.filter(({ no5xx }) => no5xx).length >= 12);
});

test('the seventh set has 30 outages of thirty kinds, and sixteen controls, with the same shares', () => {
  const names = new Set<string>(playSets.seventh.map(({ name }) => name));
  const seventh = outages.filter(({ name }) => names.has(name));
  assert.equal(seventh.length, 30);
  assert.equal(names.size - seventh.length, 16);
  assert.equal(new Set(seventh.map(({ kind }) => kind)).size, 30);
  assert.ok(seventh.filter(({ lowRate }) => lowRate).length >= 10);
  assert.ok(seventh.filter(({ no5xx }) => no5xx).length >= 10);
});

test('the eighth set has 30 outages of thirty kinds, and sixteen controls, with the same shares', () => {
  const names = new Set<string>(playSets.eighth.map(({ name }) => name));
  const eighth = outages.filter(({ name }) => names.has(name));
  assert.equal(eighth.length, 30);
  assert.equal(names.size - eighth.length, 16);
  assert.equal(new Set(eighth.map(({ kind }) => kind)).size, 30);
  assert.ok(eighth.filter(({ lowRate }) => lowRate).length >= 10);
  assert.ok(eighth.filter(({ no5xx }) => no5xx).length >= 10);
});

test('the ninth set has 30 outages of thirty kinds, and sixteen controls, with the same shares', () => {
  const names = new Set<string>(playSets.ninth.map(({ name }) => name));
  const ninth = outages.filter(({ name }) => names.has(name));
  assert.equal(ninth.length, 30);
  assert.equal(names.size - ninth.length, 16);
  assert.equal(new Set(ninth.map(({ kind }) => kind)).size, 30);
  assert.ok(ninth.filter(({ lowRate }) => lowRate).length >= 10);
  assert.ok(ninth.filter(({ no5xx }) => no5xx).length >= 10);
});

test('the tenth set has 30 outages of thirty kinds, and sixteen controls, with the same shares', () => {
  const names = new Set<string>(playSets.tenth.map(({ name }) => name));
  const tenth = outages.filter(({ name }) => names.has(name));
  assert.equal(tenth.length, 30);
  assert.equal(names.size - tenth.length, 16);
  assert.equal(new Set(tenth.map(({ kind }) => kind)).size, 30);
  assert.ok(tenth.filter(({ lowRate }) => lowRate).length >= 10);
  assert.ok(tenth.filter(({ no5xx }) => no5xx).length >= 10);
});

test('every play belongs to one set', () => {
  const { all, ...sets } = playSets;
  assert.equal(Object.values(sets).flat().length, all.length);
});

test('a third of the outages has a low rate, and a third no 5xx', () => {
  const low = outages.filter(({ lowRate }) => lowRate).length;
  const quiet = outages.filter(({ no5xx }) => no5xx).length;
  assert.ok(low >= outages.length / 3, `${low} of ${outages.length} have a low rate`);
  assert.ok(quiet >= outages.length / 3, `${quiet} of ${outages.length} have no 5xx`);
});

test('every play has a name of its own, by which it is found', () => {
  const names = [...outages, ...controls].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.equal(findPlay(name).name, name);
});

test('every outage states its truth, in suspects that exist or are to come', () => {
  const known = new Set<string>(suspectKinds);
  for (const { name, truth } of outages) {
    assert.ok(truth.suspects.length > 0 && truth.what.length > 20, name);
    assert.deepEqual(
      truth.suspects.filter((one) => !known.has(one)),
      [],
      name,
    );
  }
});

test('the names of a truth are routes, processes and clients of its play', () => {
  for (const { name, truth, play } of outages)
    for (const one of truth.names.flatMap((names) => names.split('|'))) {
      const process = /^\{(.+)-\d+\}$/.exec(one)?.[1];
      const { routes, applications } = play.setup;
      const isKnown =
        (process ?? '') in applications ||
        one in applications ||
        routes.some(({ id }) => id === one) ||
        /^127\.0\.6[67]\.\d+$/.test(one);
      assert.ok(isKnown, `${name}: ${one}`);
    }
});

test('every route of a play leads to an application of it, and its outage lasts a minute at least', () => {
  for (const { name, play } of [...outages, ...controls]) {
    for (const { to } of play.setup.routes) assert.ok(to in play.setup.applications, `${name}: ${to}`);
    assert.ok(play.seconds >= 60 && play.seconds <= 120, name);
  }
});
