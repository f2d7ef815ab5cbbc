// Logits to the next token without leaving the GPU: the filters of sampler.ts, with its whole-number weights (weights.ts),
// so that the same random number chooses the same id.
// - Greedy: the best of each part of the vocabulary, then of all.
// - A small top_k: the kth highest score is found by radix selection (three histograms of a sortable form of the score,
//   11 + 11 + 10 bits), what scores as much or more is collected, and one workgroup draws from it.
// - The whole vocabulary, or a large top_k: where top_p cuts is found by the same selection over distances from the best
//   score, with weights for counts. Then each part says what it holds, and one workgroup draws a part and an id in it.
// The choice is written where the next step's input is.

struct Settings {
  size: u32,        // of the vocabulary
  first: u32,       // the row's first logit
  half: u32,        // 1 where logits are 16-bit floats
  greedy: u32,
  top_k: u32,
  top_p: u32,       // in 2^-32; 0: off
  least: u32,       // the least weight that min_p leaves
  random: u32,      // in 2^-32
  octaves: f32,     // a score is worth
  penalty: f32,     // repetition_penalty
  parts: u32,       // workgroups that share the vocabulary
}

struct State {
  prefix: u32,                 // the bits of the kth score's key that are known
  wanted: u32,                 // how many of the scores with that prefix are among the k
  level: u32,                  // of that selection: 0, 1, 2
  kept: atomic<u32>,           // candidates collected
  wrong: atomic<u32>,          // a logit that is no finite number
  best: u32,                   // the best score's key
  cut: u32,                    // the digits of the distance where top_p cuts that are known
  digits: u32,                 // how many are
  mass: vec2u,                 // how much of the weight at distances with those digits is wanted
  ties: u32,                   // how many at the distance of the cut stay, those with the lowest ids
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read_write> seen: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: State;
@group(0) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

// One candidate each, where there are few.
const THREADS = 256u;
// Results that are no id.
const NOT_FINITE = 0xffffffffu;
const TOO_MANY = 0xfffffffeu;

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

// As in weights.ts: how far a score is below the best, in 2^-22 octaves, and what it weighs there.
const FAR = 0x08000000u;
fn distance_of(value: f32, best: f32) -> u32 {
  let below = (best - value) * settings.octaves;
  return select(FAR, u32(below * 4194304.0), below < 32.0);
}
fn weight_at(distance: u32) -> u32 {
  if (distance >= FAR) { return 0u; }
  let octave = distance >> 22u;
  let within = u32(exp2(f32(distance & 0x3fffffu) * (-1.0 / 4194304.0)) * 2147483648.0);
  // The best one's weight is exact, whatever exp2 makes of 0.
  return (select(within, 0x80000000u, distance == 0u) + ((1u << octave) >> 1u)) >> octave;
}

// Sums of weights: 64 bits, the lower half first.
fn plus(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + u32(low < a.x));
}
fn minus(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}
fn less(a: vec2u, b: vec2u) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}
fn times(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu);
  let other = (a & 0xffffu) * (b >> 16u);
  let carried = (low >> 16u) + (middle & 0xffffu) + (other & 0xffffu);
  let high = (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u) + (carried >> 16u);
  return vec2u((low & 0xffffu) | (carried << 16u), high);
}
// A part of a sum, in 2^-32.
fn share(of_sum: vec2u, part: u32) -> vec2u {
  return plus(vec2u(times(of_sum.x, part).y, 0u), times(of_sum.y, part));
}
// How much the nearest must hold at least, of a sum.
fn wanted_by_top_p(all: vec2u) -> vec2u {
  let wanted = share(all, settings.top_p);
  return select(wanted, vec2u(1u, 0u), wanted.x == 0u && wanted.y == 0u);
}

// A small top_k.

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

var<workgroup> sums: array<u32, THREADS>;

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
    if (at < THREADS) { candidates[at] = vec2u(key, id); }
  }
}

var<workgroup> best_key: atomic<u32>;
// Of each thread's candidate: its distance from the best, its id, its weight.
var<workgroup> drawn: array<vec3u, THREADS>;

// One workgroup, a candidate a thread: which of them top_p and min_p leave, and which of those is drawn.
@compute @workgroup_size(THREADS)
fn draw(@builtin(local_invocation_id) local: vec3u) {
  let kept = atomicLoad(&state.kept);
  let there = local.x < kept;
  let key = select(0u, candidates[local.x].x, there);
  let id = select(0xffffffffu, candidates[local.x].y, there);
  atomicMax(&best_key, key);
  workgroupBarrier();
  let distance = select(FAR, distance_of(score_of(key), score_of(atomicLoad(&best_key))), there);
  let weight = weight_at(distance);
  drawn[local.x] = vec3u(distance, id, weight);
  workgroupBarrier();
  var all = vec2u(0u);
  var better = vec2u(0u);
  for (var i = 0u; i < THREADS; i++) {
    let other = drawn[i];
    all = plus(all, vec2u(other.z, 0u));
    if (other.x < distance || (other.x == distance && other.y < id)) { better = plus(better, vec2u(other.z, 0u)); }
  }
  let stays = weight >= settings.least && (settings.top_p == 0u || less(better, wanted_by_top_p(all)));
  workgroupBarrier();
  if (!stays) { drawn[local.x].z = 0u; }
  workgroupBarrier();
  all = vec2u(0u);
  var before = vec2u(0u);
  for (var i = 0u; i < THREADS; i++) {
    let other = drawn[i];
    all = plus(all, vec2u(other.z, 0u));
    if (other.y < id) { before = plus(before, vec2u(other.z, 0u)); }
  }
  let target_mass = share(all, settings.random);
  if (local.x == 0u && kept > THREADS) { chosen[0] = TOO_MANY; }
  if (stays && kept <= THREADS && !less(target_mass, before) && less(target_mass, plus(before, vec2u(weight, 0u)))) {
    choose(id);
  }
  tell_wrong(local.x);
}

fn choose(id: u32) {
  if (atomicLoad(&state.wrong) != 0u) { return; }
  chosen[0] = id;
  seen[id >> 5u] |= 1u << (id & 31u);
}
fn tell_wrong(thread: u32) {
  if (thread == 0u && atomicLoad(&state.wrong) != 0u) { chosen[0] = NOT_FINITE; }
}

// Greedy, and the best score, from which distances are counted.

// Of each thread: the best (key, id); a sum.
var<workgroup> pairs: array<vec2u, THREADS>;

// Many workgroups: the best of each.
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
  pairs[local.x] = vec2u(key, best);
  reduce(local.x);
  if (local.x == 0u) { candidates[group.x] = pairs[0]; }
}

// One workgroup: the best of all.
@compute @workgroup_size(THREADS)
fn best_of_all(@builtin(local_invocation_id) local: vec3u) {
  // One candidate a workgroup of best_of_part, of which there are at most as many as threads here.
  let there = local.x < settings.parts;
  pairs[local.x] = select(vec2u(0u, 0xffffffffu), candidates[local.x], there);
  reduce(local.x);
  if (local.x != 0u) { return; }
  state.best = pairs[0].x;
  if (settings.greedy == 1u) { choose(pairs[0].y); }
  tell_wrong(0u);
}

fn reduce(thread: u32) {
  workgroupBarrier();
  for (var step = THREADS / 2u; step > 0u; step /= 2u) {
    if (thread < step) {
      let a = pairs[thread];
      let b = pairs[thread + step];
      if (b.x > a.x || (b.x == a.x && b.y < a.y)) { pairs[thread] = b; }
    }
    workgroupBarrier();
  }
}

// The whole vocabulary, or a large top_k (then `count` and `find` have found the kth score, and state.prefix is its key).

// A distance has three digits of nine bits; the sums of their weights come behind the counts of `count`.
const DIGIT = 512u;
const MASSES = 3u * 2048u;

// Many workgroups: the weight at each next digit, among those with the digits that are known.
@compute @workgroup_size(THREADS)
fn weigh(@builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_id) local: vec3u,
         @builtin(num_workgroups) groups: vec3u) {
  // The two halves of a sum, one after the other.
  for (var half = local.x; half < 2u * DIGIT; half += THREADS) { atomicStore(&bins[half], 0u); }
  workgroupBarrier();
  let best = score_of(state.best);
  let digits = state.digits;
  let shift = 18u - 9u * digits;
  for (var id = global.x; id < settings.size; id += groups.x * THREADS) {
    let value = score(id);
    let distance = distance_of(value, best);
    if (key_of(value) < state.prefix || (distance >> shift) / DIGIT != state.cut) { continue; }
    let at = 2u * ((distance >> shift) % DIGIT);
    let weight = weight_at(distance);
    let before = atomicAdd(&bins[at], weight);
    if (before + weight < before) { atomicAdd(&bins[at + 1u], 1u); }
  }
  workgroupBarrier();
  for (var digit = local.x; digit < DIGIT; digit += THREADS) {
    let mass = vec2u(atomicLoad(&bins[2u * digit]), atomicLoad(&bins[2u * digit + 1u]));
    if (mass.x == 0u && mass.y == 0u) { continue; }
    let at = MASSES + 2u * (digits * DIGIT + digit);
    let before = atomicAdd(&histogram[at], mass.x);
    atomicAdd(&histogram[at + 1u], mass.y + u32(before + mass.x < before));
  }
}

// Sums over the threads of a workgroup.
struct Sums {
  before: vec2u,   // of the threads before this one
  all: vec2u,
}
fn sums_of(thread: u32, value: vec2u) -> Sums {
  pairs[thread] = value;
  workgroupBarrier();
  var sums = Sums(vec2u(0u), vec2u(0u));
  for (var i = 0u; i < THREADS; i++) {
    if (i == thread) { sums.before = sums.all; }
    sums.all = plus(sums.all, pairs[i]);
  }
  workgroupBarrier();
  return sums;
}

// One workgroup: the next digit of the distance where top_p cuts; after the last, how many at that distance stay.
@compute @workgroup_size(THREADS)
fn cut(@builtin(local_invocation_id) local: vec3u) {
  let digits = state.digits;
  let known = state.cut;
  // Two digits a thread.
  let first = 2u * local.x;
  let at = MASSES + 2u * (digits * DIGIT + first);
  let nearer = vec2u(atomicLoad(&histogram[at]), atomicLoad(&histogram[at + 1u]));
  let farther = vec2u(atomicLoad(&histogram[at + 2u]), atomicLoad(&histogram[at + 3u]));
  let both = plus(nearer, farther);
  let sums = sums_of(local.x, both);
  var wanted = state.mass;
  if (digits == 0u) { wanted = wanted_by_top_p(sums.all); }
  // Nobody changes the state before all have read it.
  storageBarrier();
  workgroupBarrier();
  if (!less(sums.before, wanted) || less(plus(sums.before, both), wanted)) { return; }
  var left = minus(wanted, sums.before);
  let beyond = less(nearer, left);
  if (beyond) { left = minus(left, nearer); }
  let distance = known * DIGIT + first + u32(beyond);
  state.cut = distance;
  state.digits = digits + 1u;
  state.mass = left;
  if (digits == 2u) {
    // The least number that weighs as much together: one more than the greatest that does not.
    let weight = weight_at(distance);
    var fewer = 0u;
    for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
      if (less(times(fewer | bit, weight), left)) { fewer |= bit; }
    }
    state.ties = fewer + 1u;
  }
}

// What some ids hold: a sum of the weights that stay, and how many are at the distance of the cut.
struct Holding {
  mass: vec2u,
  ties: u32,
}
fn distance_of_cut() -> u32 { return select(state.cut, FAR, settings.top_p == 0u); }

fn holding_of(id: u32, best: f32) -> Holding {
  let value = score(id);
  let distance = distance_of(value, best);
  let limit = distance_of_cut();
  if (key_of(value) < state.prefix || distance > limit) { return Holding(vec2u(0u), 0u); }
  if (distance == limit) { return Holding(vec2u(0u), 1u); }
  let weight = weight_at(distance);
  return Holding(vec2u(select(0u, weight, weight >= settings.least), 0u), 0u);
}

// A multiple of the threads.
fn ids_a_part() -> u32 {
  let turns = settings.parts * THREADS;
  return (settings.size + turns - 1u) / turns * THREADS;
}

var<workgroup> part: array<atomic<u32>, 3>;

// Many workgroups: what each part of the vocabulary holds.
@compute @workgroup_size(THREADS)
fn tally(@builtin(local_invocation_id) local: vec3u, @builtin(workgroup_id) group: vec3u) {
  let best = score_of(state.best);
  let end = min(settings.size, (group.x + 1u) * ids_a_part());
  var mine = Holding(vec2u(0u), 0u);
  for (var id = group.x * ids_a_part() + local.x; id < end; id += THREADS) {
    let one = holding_of(id, best);
    mine.mass = plus(mine.mass, one.mass);
    mine.ties += one.ties;
  }
  let before = atomicAdd(&part[0], mine.mass.x);
  atomicAdd(&part[1], mine.mass.y + u32(before + mine.mass.x < before));
  atomicAdd(&part[2], mine.ties);
  workgroupBarrier();
  if (local.x == 0u) {
    candidates[2u * group.x] = vec2u(atomicLoad(&part[0]), atomicLoad(&part[1]));
    candidates[2u * group.x + 1u] = vec2u(atomicLoad(&part[2]), 0u);
  }
}

// Where the draw falls.
struct Place {
  thread: u32,
  ties: u32,      // how many more may stay from there on
  mass: vec2u,    // how far from there the draw falls
}
var<workgroup> place: Place;

// Which thread's ids it falls on; the first time, how far it falls.
fn narrow(thread: u32, holding: Holding, each_tie: u32, drawn_yet: bool) {
  let allowed = place.ties;
  let ties_before = sums_of(thread, vec2u(holding.ties, 0u)).before.x;
  let ties = clamp(allowed, ties_before, ties_before + holding.ties) - ties_before;
  let mass = plus(holding.mass, times(ties, each_tie));
  let sums = sums_of(thread, mass);
  var falls = place.mass;
  if (!drawn_yet) { falls = share(sums.all, settings.random); }
  workgroupBarrier();
  if (!less(falls, sums.before) && less(falls, plus(sums.before, mass))) {
    place = Place(thread, max(allowed, ties_before) - ties_before, minus(falls, sums.before));
  }
  workgroupBarrier();
}

// One workgroup: draws a part, then some ids of it, then one.
@compute @workgroup_size(THREADS)
fn pick(@builtin(local_invocation_id) local: vec3u) {
  let best = score_of(state.best);
  let limit = distance_of_cut();
  let tied = weight_at(limit);
  if (local.x == 0u) { place.ties = select(state.ties, 0u, tied < settings.least); }
  workgroupBarrier();
  var holding = Holding(vec2u(0u), 0u);
  if (local.x < settings.parts) {
    holding = Holding(candidates[2u * local.x], candidates[2u * local.x + 1u].x);
  }
  narrow(local.x, holding, tied, false);
  let ids_each = ids_a_part() / THREADS;
  let first = place.thread * ids_a_part() + local.x * ids_each;
  let end = min(settings.size, first + ids_each);
  holding = Holding(vec2u(0u), 0u);
  for (var id = first; id < end; id++) {
    let one = holding_of(id, best);
    holding.mass = plus(holding.mass, one.mass);
    holding.ties += one.ties;
  }
  narrow(local.x, holding, tied, true);
  if (place.thread == local.x) {
    var left = place.mass;
    var ties = place.ties;
    for (var id = first; id < end; id++) {
      let one = holding_of(id, best);
      var mass = one.mass;
      if (one.ties == 1u && ties > 0u) {
        mass = vec2u(tied, 0u);
        ties -= 1u;
      }
      if (less(left, mass)) {
        choose(id);
        break;
      }
      left = minus(left, mass);
    }
  }
  tell_wrong(local.x);
}
