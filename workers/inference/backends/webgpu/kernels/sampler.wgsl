// Logits to the next token without leaving the GPU, for greedy decoding and for a top_k of at most 128. The filters are those
// of sampling/sampler.ts with the whole-number weights of sampling/fixed-point.ts, so that the same random number chooses the
// same id on the CPU and on the GPU.
// - Greedy: the best score of each part of the vocabulary is found, then the best of all.
// - top_k: the kth highest score is found by radix selection (three histograms of a sortable form of the score, 11 + 11 + 10
//   bits), the scores that are not below it are collected, and one workgroup applies top_p and min_p and draws.
// The chosen id is written where the next step reads it.

struct Settings {
  size: u32,        // vocabulary size
  first: u32,       // index of the first logit
  half: u32,        // 1 where logits are 16-bit floats, else 0
  top_k: u32,
  top_p: u32,       // in 2^-32; 0: the filter is off
  least: u32,       // the least weight that min_p keeps
  random: u32,      // in 2^-32
  octaves: f32,     // octaves of weight for a difference of 1 between scores
  penalty: f32,     // repetition_penalty
  parts: u32,       // number of workgroups that share the vocabulary
}

struct State {
  prefix: u32,                 // the bits of the kth score's key that are known
  wanted: u32,                 // how many of the scores with that prefix are among the k
  level: u32,                  // level of the radix selection: 0, 1, 2
  kept: atomic<u32>,           // number of candidates collected
  not_finite: atomic<u32>,     // 1 where a logit is NaN or infinite
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read_write> seen: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: State;
@group(0) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

// The draw has one thread for each candidate.
const THREADS = 256u;
// Results that are not ids.
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

// Unsigned keys in the order of the floats; -0 has the key of 0.
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

// As in sampling/fixed-point.ts: how far a score is below the best, in 2^-22 octaves, and the weight at that distance.
const FAR = 0x08000000u;
fn distance_of(value: f32, best: f32) -> u32 {
  let below = (best - value) * settings.octaves;
  return select(FAR, u32(below * 4194304.0), below < 32.0);
}
fn weight_at(distance: u32) -> u32 {
  if (distance >= FAR) { return 0u; }
  let octave = distance >> 22u;
  let within = u32(exp2(f32(distance & 0x3fffffu) * (-1.0 / 4194304.0)) * 2147483648.0);
  // The best score's weight is exact, also where exp2(0) is not exactly 1.
  return (select(within, 0x80000000u, distance == 0u) + ((1u << octave) >> 1u)) >> octave;
}

// Sums of weights have 64 bits, the lower half first.
fn plus(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + u32(low < a.x));
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
// A fraction of a sum; `part` is in 2^-32.
fn share(of_sum: vec2u, part: u32) -> vec2u {
  return plus(vec2u(times(of_sum.x, part).y, 0u), times(of_sum.y, part));
}
// The weight that the most probable candidates must hold together, of the weight of all.
fn wanted_by_top_p(all: vec2u) -> vec2u {
  let wanted = share(all, settings.top_p);
  return select(wanted, vec2u(1u, 0u), wanted.x == 0u && wanted.y == 0u);
}

// Radix selection. Level 0 looks at the upper 11 bits of a key, level 1 at the next 11, level 2 at the last 10.
const SHIFTS = array<u32, 3>(21u, 10u, 0u);

// Each element holds two 16-bit counts, which suffice for the logits that one workgroup sees: some shader compilers take
// long for every element of workgroup memory.
var<workgroup> bins: array<atomic<u32>, 1024>;

// Many workgroups. Counts the scores in each bin of this level, among those with the known prefix.
@compute @workgroup_size(THREADS)
fn count(@builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_id) local: vec3u,
         @builtin(num_workgroups) groups: vec3u) {
  for (var two = local.x; two < 1024u; two += THREADS) { atomicStore(&bins[two], 0u); }
  workgroupBarrier();
  let level = state.level;
  let shift = SHIFTS[level];
  for (var id = global.x; id < settings.size; id += groups.x * THREADS) {
    let value = score(id);
    if (!is_finite(value)) { atomicStore(&state.not_finite, 1u); }
    let key = key_of(value);
    // Level 0 has no prefix, and WGSL has no shift by 32.
    var in_prefix = true;
    if (level == 1u) { in_prefix = (key >> 21u) == (state.prefix >> 21u); }
    if (level == 2u) { in_prefix = (key >> 10u) == (state.prefix >> 10u); }
    let bin = (key >> shift) & select(2047u, 1023u, level == 2u);
    if (in_prefix) { atomicAdd(&bins[bin >> 1u], 1u << (16u * (bin & 1u))); }
  }
  workgroupBarrier();
  for (var bin = local.x; bin < 2048u; bin += THREADS) {
    let counted = (atomicLoad(&bins[bin >> 1u]) >> (16u * (bin & 1u))) & 0xffffu;
    if (counted != 0u) { atomicAdd(&histogram[level * 2048u + bin], counted); }
  }
}

var<workgroup> sums: array<u32, THREADS>;

// One workgroup. Finds the bin that the kth score is in.
@compute @workgroup_size(THREADS)
fn find(@builtin(local_invocation_id) local: vec3u) {
  let level = state.level;
  let wanted = select(state.wanted, min(settings.top_k, settings.size), level == 0u);
  // Each thread looks at eight bins, from the highest down.
  let top = 2047u - local.x * 8u;
  var sum = 0u;
  for (var i = 0u; i < 8u; i++) { sum += atomicLoad(&histogram[level * 2048u + top - i]); }
  sums[local.x] = sum;
  // No thread changes the state before all have read it.
  storageBarrier();
  workgroupBarrier();
  var above = 0u;
  for (var i = 0u; i < local.x; i++) { above += sums[i]; }
  if (above < wanted && above + sum >= wanted) {
    for (var i = 0u; i < 8u; i++) {
      let counted = atomicLoad(&histogram[level * 2048u + top - i]);
      if (above + counted >= wanted) {
        let known = select(state.prefix, 0u, level == 0u);
        state.prefix = known | ((top - i) << SHIFTS[level]);
        state.wanted = wanted - above;
        state.level = level + 1u;
        break;
      }
      above += counted;
    }
  }
}

// Many workgroups. Collects the scores that are not below the kth.
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
// For each thread's candidate: its distance from the best score, its id, its weight.
var<workgroup> entries: array<vec3u, THREADS>;

// One workgroup, one thread for each candidate. Applies top_p and min_p and draws one of the candidates that stay.
@compute @workgroup_size(THREADS)
fn draw(@builtin(local_invocation_id) local: vec3u) {
  let kept = atomicLoad(&state.kept);
  let is_candidate = local.x < kept;
  let key = select(0u, candidates[local.x].x, is_candidate);
  let id = select(0xffffffffu, candidates[local.x].y, is_candidate);
  atomicMax(&best_key, key);
  workgroupBarrier();
  let distance = select(FAR, distance_of(score_of(key), score_of(atomicLoad(&best_key))), is_candidate);
  let weight = weight_at(distance);
  entries[local.x] = vec3u(distance, id, weight);
  workgroupBarrier();
  var all = vec2u(0u);
  var better = vec2u(0u);
  for (var i = 0u; i < THREADS; i++) {
    let other = entries[i];
    all = plus(all, vec2u(other.z, 0u));
    if (other.x < distance || (other.x == distance && other.y < id)) { better = plus(better, vec2u(other.z, 0u)); }
  }
  let stays = weight >= settings.least && (settings.top_p == 0u || less(better, wanted_by_top_p(all)));
  workgroupBarrier();
  if (!stays) { entries[local.x].z = 0u; }
  workgroupBarrier();
  all = vec2u(0u);
  var before = vec2u(0u);
  for (var i = 0u; i < THREADS; i++) {
    let other = entries[i];
    all = plus(all, vec2u(other.z, 0u));
    if (other.y < id) { before = plus(before, vec2u(other.z, 0u)); }
  }
  let target_mass = share(all, settings.random);
  if (local.x == 0u && kept > THREADS) { chosen[0] = TOO_MANY; }
  if (stays && kept <= THREADS && !less(target_mass, before) && less(target_mass, plus(before, vec2u(weight, 0u)))) {
    choose(id);
  }
  report_not_finite(local.x);
}

fn choose(id: u32) {
  if (atomicLoad(&state.not_finite) != 0u) { return; }
  chosen[0] = id;
  seen[id >> 5u] |= 1u << (id & 31u);
}
fn report_not_finite(thread: u32) {
  if (thread == 0u && atomicLoad(&state.not_finite) != 0u) { chosen[0] = NOT_FINITE; }
}

// Greedy decoding: the highest score, the lowest id among equals.

// For each thread: the key and the id of its best score.
var<workgroup> pairs: array<vec2u, THREADS>;

// Many workgroups. Finds the best score of each workgroup's part.
@compute @workgroup_size(THREADS)
fn best_of_part(@builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_id) local: vec3u,
                @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var key = 0u;
  var best = 0xffffffffu;
  for (var id = global.x; id < settings.size; id += groups.x * THREADS) {
    let value = score(id);
    if (!is_finite(value)) { atomicStore(&state.not_finite, 1u); }
    let k = key_of(value);
    if (k > key) { key = k; best = id; }
  }
  pairs[local.x] = vec2u(key, best);
  reduce(local.x);
  if (local.x == 0u) { candidates[group.x] = pairs[0]; }
}

// One workgroup. Finds the best of the parts, of which there are at most as many as threads.
@compute @workgroup_size(THREADS)
fn best_of_all(@builtin(local_invocation_id) local: vec3u) {
  pairs[local.x] = select(vec2u(0u, 0xffffffffu), candidates[local.x], local.x < settings.parts);
  reduce(local.x);
  if (local.x == 0u) { choose(pairs[0].y); }
  report_not_finite(local.x);
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
