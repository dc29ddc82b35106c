// What `shim.h` promises: what the operations between threads do, and in which order threads run. With SHIM_RACES this
// unit itself is not instrumented: it only tells ThreadSanitizer which fiber runs and what orders memory.

#include <algorithm>
#include <random>

#include "fibers.h"

namespace shim {
namespace {

// Bring a value to the lanes of `mask`; return what each lane brought.
const uint64_t* together(int line, unsigned mask, uint64_t value, bool orders_memory) {
  Fiber& self = *current;
  Block& block = *self.block;
  const unsigned lane = self.number % WARP, first = self.number - lane;
  const size_t lanes = std::min<size_t>(WARP, block.fibers.size() - first);
  self.line = line;
  if (!(mask >> lane & 1)) fail("a lane is not in the mask of its own operation");
  if (lanes < WARP && mask >> lanes) fail("the mask names lanes that the block does not have");
  Meeting& meeting = block.warps[first / WARP][mask];
  if (meeting.present && meeting.line != line) fail("lanes of one mask stand at different operations");
  meeting.line = line;
  meeting.brought[lane] = value;
  meeting.present |= 1u << lane;
  char* clock = &meeting.clock[meeting.generation % 2];
  if (orders_memory) __tsan_release(clock);
  if (meeting.present != mask) {
    self.state = AT_WARP;
    leave();
  } else {
    ++meeting.generation;
    meeting.present = 0;
    for (unsigned i = 0; i < lanes; ++i) {
      meeting.published[i] = meeting.brought[i];
      if (i != lane && mask >> i & 1) release(block.fibers[first + i]);
    }
    preempt();
  }
  if (orders_memory) __tsan_acquire(clock);
  return meeting.published;
}

}  // namespace

const Sizes& sizes() { return launch_sizes; }
dim3 thread_index() { return current->thread; }
dim3 block_index() { return current->block->index; }
unsigned lane() { return current->number % WARP; }
void* dynamic_shared() { return current->block->dynamic.get(); }

void* static_shared(const void* which, size_t size) {
  Block& block = *current->block;
  if (RACES) {
    char*& place = block.places[which];
    if (!place) {
      place = block.room.get() + block.used;
      block.used += (size + 15) / 16 * 16;
      if (block.used > STATICS) fail("more static shared memory than a block has");
    }
    return place;
  }
  std::unique_ptr<char[]>& memory = block.statics[which];
  if (!memory) memory.reset(poisoned(size));
  return memory.get();
}

void fail(const char* what) {
  error = std::string(what) + ": " + where(*current);
  for (;;) leave();
}

unsigned barrier(int line, bool vote) {
  Fiber& self = *current;
  Block& block = *self.block;
  self.line = line;
  if (block.waiting && block.line != line) fail("threads of one block wait at different barriers");
  block.line = line;
  block.ayes += vote;
  char* clock = &block.clock[block.generation % 2];
  __tsan_release(clock);
  if (++block.waiting < block.fibers.size()) {
    self.state = AT_BARRIER;
    leave();
  } else {
    ++block.generation;
    block.ayes_published = block.ayes;
    block.waiting = block.ayes = 0;
    for (Fiber& other : block.fibers) {
      if (other.state == AT_BARRIER) release(other);
    }
    preempt();
  }
  __tsan_acquire(clock);
  return block.ayes_published;
}

void meet(int line, unsigned mask) { together(line, mask, 0, true); }

unsigned ballot(int line, unsigned mask, bool vote) {
  const uint64_t* all = together(line, mask, vote, false);
  unsigned result = 0;
  for (unsigned i = 0; i < WARP; ++i) {
    if (mask >> i & 1) result |= unsigned(all[i]) << i;
  }
  return result;
}

uint64_t shuffle(int line, unsigned mask, uint64_t bits, unsigned source) {
  const uint64_t* all = together(line, mask, bits, false);
  if (!(mask >> source & 1)) fail("a shuffle reads from a lane that is not in its mask");
  return all[source];
}

void fence() {
  if (RACES) {
    for (char* clock : current->observed) __tsan_acquire(clock);
    current->observed.clear();
    current->fenced = &clocks.emplace_back();
    __tsan_release(current->fenced);
  }
  preempt();
}

void atomic(const void* at) {
  preempt();
  if (!RACES) return;
  std::list<char*>& others = released[at];
  for (char* clock : others) current->observed.push_back(clock);
  if (current->fenced) others.push_back(current->fenced);
}

const char* run(void (*body)(), const Sizes& sizes, size_t shared_bytes, unsigned order, unsigned resident) {
  const unsigned blocks = sizes.grid.x * sizes.grid.y * sizes.grid.z;
  const bool descending = order == 1;
  std::vector<std::unique_ptr<Block>> places(std::min(resident, blocks)), ended;
  std::vector<Fiber*> starved;  // held back until nobody else can go on, the longest ago for longest
  std::mt19937 random(order);
  unsigned opened = 0;
  launch_sizes = sizes;
  launch_shared_bytes = shared_bytes;
  launch_body = body;
  shuffled = order > 1;
  error.clear();
  ready.clear();
  ready.reserve(places.size() * sizes.block.x * sizes.block.y * sizes.block.z);
  scheduler_fiber = __tsan_get_current_fiber();
  while (error.empty()) {
    for (unsigned p = 0; p < places.size(); ++p) {
      if (places[p] && places[p]->finished < places[p]->fibers.size()) continue;
      if (places[p] && RACES) {
        for (Fiber& fiber : places[p]->fibers) __tsan_destroy_fiber(fiber.fiber);
        ended.push_back(std::move(places[p]));  // its memory must not be another's while the launch lasts
      }
      places[p].reset();
      if (opened == blocks) continue;
      places[p] = open(descending ? blocks - 1 - opened : opened, RACES ? opened : p);
      ++opened;
    }
    if (ready.empty() && !starved.empty()) {
      ready.push_back(starved.back());
      starved.pop_back();
    }
    if (ready.empty()) break;
    std::vector<Fiber*> turn;
    if (shuffled) {
      std::swap(ready[random() % ready.size()], ready.back());
      (random() % 64 ? turn : starved).push_back(ready.back());
      ready.pop_back();
    } else {
      turn = ready;
      ready.clear();
      std::sort(turn.begin(), turn.end(),
                [=](const Fiber* a, const Fiber* b) { return (a->rank < b->rank) != descending; });
    }
    for (Fiber* fiber : turn) {
      enter(*fiber);
      if (!error.empty()) break;
      if (fiber->state == READY) ready.push_back(fiber);
    }
  }
  for (const std::unique_ptr<Block>& block : places) {
    for (size_t i = 0; error.empty() && block && i < block->fibers.size(); ++i) {
      const Fiber& fiber = block->fibers[i];
      if (fiber.state != DONE)
        error = "waits for others of its block or warp that ended or wait elsewhere: " + where(fiber);
    }
  }
  __tsan_acquire(&launch_end);
  released.clear();
  clocks.clear();
  return error.empty() ? nullptr : error.c_str();
}

}  // namespace shim
