// Logits to the next token without leaving the GPU: the filters of sampler.ts, in its order. The kth highest score is
// found by radix selection (three histograms of a sortable form of the score, 11 + 11 + 10 bits), what scores as much or
// more is collected and sorted by one workgroup, and the choice is written where the next step's input is.

struct Settings {
  size: u32,        // of the vocabulary
  first: u32,       // the row's first logit
  half: u32,        // 1 where logits are 16-bit floats
  top_k: u32,
  scale: f32,       // 1 / temperature
  top_p: f32,
  min_p: f32,
  penalty: f32,     // repetition_penalty
  random: f32,      // in [0, 1)
  parts: u32,       // workgroups of best_of_part
}

struct State {
  prefix: u32,                 // the bits of the kth score's key that are known
  wanted: u32,                 // how many of the scores with that prefix are among the k
  kept: atomic<u32>,           // candidates collected
  wrong: atomic<u32>,          // a logit that is no finite number
  level: u32,                  // of the selection: 0, 1, 2
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read_write> seen: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: State;
@group(0) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

const THREADS = 256u;
// Results that are no id.
const NOT_FINITE = 0xffffffffu;
const TOO_MANY = 0xfffffffeu;
const ROOM = 1024u;   // candidates that can be sorted

fn score(id: u32) -> f32 {
  let at = settings.first + id;
  var value: f32;
  if (settings.half == 1u) {
    value = unpack2x16float(logits[at >> 1u])[at & 1u];
  } else {
    value = bitcast<f32>(logits[at]);
  }
  if (settings.penalty != 1.0 && (seen[id >> 5u] & (1u << (id & 31u))) != 0u) {
    value = select(value / settings.penalty, value * settings.penalty, value < 0.0);
  }
  return value;
}

// Unsigned keys in the order of the floats; -0 is taken for 0.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(select(value, 0.0, value == 0.0));
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}
fn score_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u));
}
fn is_finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

// Level 0: the key's upper 11 bits; 1: the next 11; 2: the last 10.
const SHIFTS = array<u32, 3>(21u, 10u, 0u);

// Two 16-bit counts in each: a workgroup sees fewer logits than they hold. Some compilers take their time for every
// element of a workgroup's memory.
var<workgroup> bins: array<atomic<u32>, 1024>;

// Many workgroups: how many scores fall in each bin of this level, among those with the prefix.
@compute @workgroup_size(THREADS)
fn count(@builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_id) local: vec3u,
         @builtin(num_workgroups) groups: vec3u) {
  for (var two = local.x; two < 1024u; two += THREADS) { atomicStore(&bins[two], 0u); }
  workgroupBarrier();
  let level = state.level;
  let shift = SHIFTS[level];
  for (var id = global.x; id < settings.size; id += groups.x * THREADS) {
    let value = score(id);
    if (!is_finite(value)) { atomicStore(&state.wrong, 1u); }
    let key = key_of(value);
    // A shift by 32 is none: level 0 has no prefix.
    var among = true;
    if (level == 1u) { among = (key >> 21u) == (state.prefix >> 21u); }
    if (level == 2u) { among = (key >> 10u) == (state.prefix >> 10u); }
    let bin = (key >> shift) & select(2047u, 1023u, level == 2u);
    if (among) { atomicAdd(&bins[bin >> 1u], 1u << (16u * (bin & 1u))); }
  }
  workgroupBarrier();
  for (var bin = local.x; bin < 2048u; bin += THREADS) {
    let held = (atomicLoad(&bins[bin >> 1u]) >> (16u * (bin & 1u))) & 0xffffu;
    if (held != 0u) { atomicAdd(&histogram[level * 2048u + bin], held); }
  }
}

var<workgroup> sums: array<u32, 256>;

// One workgroup: the bin that the kth score is in.
@compute @workgroup_size(THREADS)
fn find(@builtin(local_invocation_id) local: vec3u) {
  let level = state.level;
  let wanted = select(state.wanted, min(settings.top_k, settings.size), level == 0u);
  // Each thread has eight bins, counted from the highest.
  let top = 2047u - local.x * 8u;
  var sum = 0u;
  for (var i = 0u; i < 8u; i++) { sum += atomicLoad(&histogram[level * 2048u + top - i]); }
  sums[local.x] = sum;
  // Nobody changes the state before all have read it.
  storageBarrier();
  workgroupBarrier();
  var above = 0u;
  for (var i = 0u; i < local.x; i++) { above += sums[i]; }
  if (above < wanted && above + sum >= wanted) {
    for (var i = 0u; i < 8u; i++) {
      let held = atomicLoad(&histogram[level * 2048u + top - i]);
      if (above + held >= wanted) {
        let known = select(state.prefix, 0u, level == 0u);
        state.prefix = known | ((top - i) << SHIFTS[level]);
        state.wanted = wanted - above;
        state.level = level + 1u;
        break;
      }
      above += held;
    }
  }
}

// Many workgroups: what scores as much as the kth, or more.
@compute @workgroup_size(THREADS)
fn collect(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var id = global.x; id < settings.size; id += groups.x * THREADS) {
    let key = key_of(score(id));
    if (key < state.prefix) { continue; }
    let at = atomicAdd(&state.kept, 1u);
    if (at < ROOM) { candidates[at] = vec2u(key, id); }
  }
}

// Keys; once they are sorted, weights as bits.
var<workgroup> keys: array<u32, ROOM>;
var<workgroup> ids: array<u32, ROOM>;
fn weight(i: u32) -> f32 { return bitcast<f32>(keys[i]); }

var<workgroup> kept_by_all: u32;

fn better(a: u32, b: u32) -> bool {
  return keys[a] > keys[b] || (keys[a] == keys[b] && ids[a] < ids[b]);
}

// One workgroup: sorts the candidates, and draws among those that top_p and min_p leave.
@compute @workgroup_size(THREADS)
fn draw(@builtin(local_invocation_id) local: vec3u) {
  if (local.x == 0u) { kept_by_all = atomicLoad(&state.kept); }
  let kept = workgroupUniformLoad(&kept_by_all);
  let held = min(kept, ROOM);
  var room = 2u;
  while (room < held) { room *= 2u; }
  for (var i = local.x; i < room; i += THREADS) {
    let there = i < held;
    keys[i] = select(0u, candidates[i].x, there);
    ids[i] = select(0xffffffffu, candidates[i].y, there);
  }
  workgroupBarrier();
  // Bitonic sort, best first.
  for (var size = 2u; size <= room; size *= 2u) {
    for (var step = size / 2u; step > 0u; step /= 2u) {
      for (var i = local.x; i < room; i += THREADS) {
        let other = i ^ step;
        if (other > i && better(other, i) == ((i & size) == 0u)) {
          let key = keys[i]; keys[i] = keys[other]; keys[other] = key;
          let id = ids[i]; ids[i] = ids[other]; ids[other] = id;
        }
      }
      workgroupBarrier();
    }
  }
  let best = score_of(keys[0]);
  // Nobody changes it before all have read it.
  workgroupBarrier();
  for (var i = local.x; i < held; i += THREADS) { keys[i] = bitcast<u32>(exp((score_of(keys[i]) - best) * settings.scale)); }
  workgroupBarrier();
  if (local.x != 0u) { return; }

  var total = 0.0;
  for (var i = 0u; i < held; i++) { total += weight(i); }
  var end = held;
  if (settings.top_p < 1.0) {
    var mass = 0.0;
    for (var i = 0u; i < held; i++) {
      mass += weight(i);
      if (mass >= settings.top_p * total) { end = i + 1u; break; }
    }
  }
  total = 0.0;
  for (var i = 0u; i < end; i++) { if (weight(i) >= settings.min_p) { total += weight(i); } }
  var left = settings.random * total;
  var choice = 0u;
  for (var i = 0u; i < end; i++) {
    if (weight(i) < settings.min_p || weight(i) == 0.0) { continue; }
    choice = i;
    left -= weight(i);
    if (left < 0.0) { break; }
  }
  finish(ids[choice], kept);
}

fn finish(id: u32, kept: u32) {
  if (atomicLoad(&state.wrong) != 0u) { chosen[0] = NOT_FINITE; return; }
  if (kept > ROOM) { chosen[0] = TOO_MANY; return; }
  chosen[0] = id;
  seen[id >> 5u] |= 1u << (id & 31u);
}

// Greedy. Many workgroups: the best of each, (key, id); then one: the best of all.
var<workgroup> bests: array<vec2u, THREADS>;

@compute @workgroup_size(THREADS)
fn best_of_part(@builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_id) local: vec3u,
                @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var key = 0u;
  var best = 0xffffffffu;
  for (var id = global.x; id < settings.size; id += groups.x * THREADS) {
    let value = score(id);
    if (!is_finite(value)) { atomicStore(&state.wrong, 1u); }
    let k = key_of(value);
    if (k > key) { key = k; best = id; }
  }
  bests[local.x] = vec2u(key, best);
  reduce(local.x);
  if (local.x == 0u) { candidates[group.x] = bests[0]; }
}

@compute @workgroup_size(THREADS)
fn best_of_all(@builtin(local_invocation_id) local: vec3u) {
  // One candidate a workgroup of best_of_part, of which there are at most as many as threads here.
  let there = local.x < settings.parts;
  bests[local.x] = select(vec2u(0u, 0xffffffffu), candidates[local.x], there);
  reduce(local.x);
  if (local.x == 0u) { finish(bests[0].y, 1u); }
}

fn reduce(thread: u32) {
  workgroupBarrier();
  for (var step = THREADS / 2u; step > 0u; step /= 2u) {
    if (thread < step) {
      let a = bests[thread];
      let b = bests[thread + step];
      if (b.x > a.x || (b.x == a.x && b.y < a.y)) { bests[thread] = b; }
    }
    workgroupBarrier();
  }
}
