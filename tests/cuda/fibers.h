// The threads of a launch as fibers, and the blocks they make; the one unit that includes this is `shim.cpp`.
#pragma once

#include "shim.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <list>
#include <map>
#include <memory>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SHIM_RACES)
#include <sanitizer/tsan_interface.h>
constexpr bool RACES = true;
#else
constexpr bool RACES = false;
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
static void* __tsan_get_current_fiber() { return nullptr; }
static void* __tsan_create_fiber(unsigned) { return nullptr; }
static void __tsan_destroy_fiber(void*) {}
static void __tsan_switch_to_fiber(void*, unsigned) {}
#endif

namespace shim {
namespace {

enum State { READY, AT_BARRIER, AT_WARP, DONE };
constexpr size_t STACK = 256 << 10, STATICS = 48 << 10;
constexpr unsigned NOTHING_ORDERED = 1;  // a switch of fibers orders no memory

struct Block;

struct Fiber {
  ucontext_t context;
  char* stack;
  void* fake_stack;  // AddressSanitizer's
  void* fiber;       // ThreadSanitizer's
  State state;
  dim3 thread;
  unsigned number;  // of the thread in its block
  uint64_t rank;    // of the thread in the grid
  int line;         // where it stands
  Block* block;
  char* fenced;                 // what its last fence released, if there was one
  std::vector<char*> observed;  // what others had released at the atomics since
};

// Lanes that meet for one operation of a warp. What they brought is published when the last one comes; meanwhile the
// first may already be on its way to the next, so two generations live at a time.
struct Meeting {
  unsigned present = 0, generation = 0;
  int line = 0;
  uint64_t brought[WARP], published[WARP];
  char clock[2];
};

struct Block {
  dim3 index;
  std::vector<Fiber> fibers;
  std::vector<std::map<unsigned, Meeting>> warps;  // by mask
  std::unique_ptr<char[]> dynamic;
  std::map<const void*, std::unique_ptr<char[]>> statics;
  std::unique_ptr<char[]> room;  // with SHIM_RACES, for the statics: what a thread allocates, it would seem to write
  std::map<const void*, char*> places;
  size_t used = 0;
  unsigned waiting = 0, finished = 0, generation = 0;
  int line = 0;                           // of the barrier that threads wait at
  unsigned ayes = 0, ayes_published = 0;  // of its vote
  char clock[2];
};

Sizes launch_sizes;
size_t launch_shared_bytes;
bool shuffled;
std::string error;
void (*launch_body)();
Fiber* current;
std::vector<Fiber*> ready;
ucontext_t scheduler;
void* scheduler_fiber;
[[maybe_unused]] void* scheduler_fake_stack;
[[maybe_unused]] const void* scheduler_stack;
[[maybe_unused]] size_t scheduler_stack_size;
char launch_end;
// Fibers share these and `ready`, and nothing orders them in ThreadSanitizer's eyes, which sees a vector move when it
// grows: so these are lists, and `ready` is given room ahead.
std::map<const void*, std::list<char*>> released;  // by the address of an atomic
std::list<char> clocks;

void enter(Fiber& fiber) {
  current = &fiber;
  __tsan_switch_to_fiber(fiber.fiber, NOTHING_ORDERED);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&scheduler_fake_stack, fiber.stack, STACK);
#endif
  swapcontext(&scheduler, &fiber.context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(scheduler_fake_stack, nullptr, nullptr);
#endif
}

// Stop the running thread here; the scheduler takes it up again when it is ready.
void leave() {
  Fiber* self = current;
  __tsan_switch_to_fiber(scheduler_fiber, NOTHING_ORDERED);
#if defined(__SANITIZE_ADDRESS__)
  void** keep = self->state == DONE ? nullptr : &self->fake_stack;
  __sanitizer_start_switch_fiber(keep, scheduler_stack, scheduler_stack_size);
#endif
  swapcontext(&self->context, &scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(self->fake_stack, &scheduler_stack, &scheduler_stack_size);
#endif
}

void start() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_size);
#endif
  launch_body();
  __tsan_release(&launch_end);
  current->state = DONE;
  ++current->block->finished;
  leave();
}

// Let others go first where a GPU might.
void preempt() {
  if (shuffled) leave();
}

void release(Fiber& fiber) {
  fiber.state = READY;
  ready.push_back(&fiber);
}

std::string where(const Fiber& fiber) {
  const dim3 b = fiber.block->index;
  return "block (" + std::to_string(b.x) + ", " + std::to_string(b.y) + "), thread " + std::to_string(fiber.number) +
         ", line " + std::to_string(fiber.line);
}

char* poisoned(size_t size) {
  char* memory = new char[size];
  memset(memory, 0xff, size);
  return memory;
}

// The stack of a place that a thread may take. A place serves one block after another; with SHIM_RACES each block has
// its own, or taking it over would look like a race.
char* stack(size_t place) {
  static std::vector<char*> all;
  while (all.size() <= place) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    all.push_back(static_cast<char*>(mmap(nullptr, STACK, PROT_READ | PROT_WRITE, flags, -1, 0)));
  }
  return all[place];
}

std::unique_ptr<Block> open(unsigned number, unsigned place) {
  const dim3 grid = launch_sizes.grid, size = launch_sizes.block;
  const unsigned threads = size.x * size.y * size.z;
  auto block = std::make_unique<Block>();
  block->index = {number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
  block->dynamic.reset(poisoned(launch_shared_bytes));
  if (RACES) block->room.reset(poisoned(STATICS));
  block->warps.resize((threads + WARP - 1) / WARP);
  block->fibers.resize(threads);
  for (unsigned i = 0; i < threads; ++i) {
    Fiber& fiber = block->fibers[i];
    fiber.stack = stack(size_t(place) * threads + i);
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(fiber.stack, STACK);  // of what another thread left there
#endif
    fiber.fake_stack = nullptr;
    fiber.fiber = __tsan_create_fiber(0);
    fiber.thread = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    fiber.number = i;
    fiber.rank = uint64_t(number) * threads + i;
    fiber.line = 0;
    fiber.block = block.get();
    fiber.fenced = nullptr;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, start, 0);
    release(fiber);
  }
  return block;
}

}  // namespace
}  // namespace shim
