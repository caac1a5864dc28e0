// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/value_source.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <optional>

#include "bridge/source/value_words.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using source::UniqueFd;
using source::ValueSource;
using source::ValueWords;

hub::Schema TwoWords() {
  hub::Schema schema;
  schema.types.push_back({.id = 1,
                          .name = "values",
                          .documentation = "",
                          .direction = hub::Direction::kBoth,
                          .size_bytes = 16,
                          .fields = {}});
  hub::Field count;
  count.name = "count";
  count.kind = KCHAN_FIELD_U64;
  count.size_bytes = 8;
  hub::Field level = count;
  level.name = "level";
  level.kind = KCHAN_FIELD_S64;
  level.offset = 8;
  schema.types[0].fields = {count, level};
  return schema;
}

TEST(ValueWordsTest, ShowsWordsByTheirSignedness) {
  const auto words = ValueWords::Of(TwoWords(), "test");
  ASSERT_TRUE(words.ok()) << words.status();
  kchan_value_read read = {};
  read.version = 8;
  read.boottime_ns = 99;
  read.words[0] = ~uint64_t{0};
  read.words[1] = ~uint64_t{0};
  const hub::ValueSnapshot snapshot = words->Snapshot(read, /*generation=*/7);
  EXPECT_EQ(snapshot.version, 4u);
  EXPECT_EQ(snapshot.generation, 7u);
  EXPECT_EQ(snapshot.boottime_ns, 99u);
  ASSERT_EQ(snapshot.words.size(), 2u);
  EXPECT_EQ(snapshot.words[0], (hub::Word{"count", ~uint64_t{0}}));
  EXPECT_EQ(snapshot.words[1], (hub::Word{"level", int64_t{-1}}));
}

TEST(ValueWordsTest, TakesEitherSignIfItIsInRange) {
  const auto words = ValueWords::Of(TwoWords(), "test");
  ASSERT_TRUE(words.ok());
  const auto count = words->Find("count"), level = words->Find("level");
  ASSERT_TRUE(count.ok() && level.ok());
  EXPECT_EQ(words->ToKernel(*count, int64_t{5}).value(), 5u);
  EXPECT_EQ(words->ToKernel(*level, uint64_t{5}).value(), 5u);
  EXPECT_EQ(words->ToKernel(*level, int64_t{-5}).value(), static_cast<uint64_t>(-5));
  EXPECT_TRUE(absl::IsInvalidArgument(words->ToKernel(*count, int64_t{-1}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(words->ToKernel(*level, uint64_t{1} << 63).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(words->ToKernel(*count, std::string("5")).status()));
  EXPECT_TRUE(absl::IsNotFound(words->Find("nosuch").status()));
}

TEST(ValueWordsTest, ASchemaThatIsNotOfWordsIsRefused) {
  hub::Schema schema = TwoWords();
  schema.types[0].fields[1].offset = 8 * KCHAN_MAX_WORDS;
  EXPECT_FALSE(ValueWords::Of(schema, "test").ok());
  schema = TwoWords();
  schema.types[0].fields[0].kind = KCHAN_FIELD_U32;
  EXPECT_FALSE(ValueWords::Of(schema, "test").ok());
  EXPECT_FALSE(ValueWords::Of(hub::Schema(), "test").ok());
}

// Words that the test changes.
class ValueSourceTest : public ::testing::Test {
 protected:
  ValueSourceTest() {
    loop_.Run([&] {
      source_ = std::make_unique<ValueSource>(
          loop_.loop(), UniqueFd(dup(event_.get())), [this] { return Read(); }, 9,
          ValueWords::Of(TwoWords(), "test").value(), feed_);
      source_->Start(log_, [this](absl::Status status) { end_ = std::move(status); });
    });
  }
  ~ValueSourceTest() override {
    loop_.Run([&] { source_.reset(); });
  }
  absl::StatusOr<kchan_value_read> Read() {
    const std::lock_guard lock(mutex_);
    if (!error_.ok()) return error_;
    return now_;
  }
  void Change(uint64_t count, uint32_t state = KCHAN_STATE_LIVE) {
    {
      const std::lock_guard lock(mutex_);
      now_.version += 2;
      now_.words[0] = count;
      now_.state = state;
    }
    const uint64_t one = 1;
    ASSERT_EQ(write(event_.get(), &one, sizeof(one)), 8);
  }
  bool Shows(uint64_t version, uint64_t count) {
    const auto latest = feed_.latest();
    return latest.snapshot != nullptr && latest.snapshot->version == version &&
           latest.snapshot->words[0].value == hub::Value(count);
  }

  LoopThread loop_;
  UniqueFd event_{eventfd(0, EFD_NONBLOCK)};
  std::mutex mutex_;
  kchan_value_read now_ = {};
  absl::Status error_;
  hub::ValueFeed feed_;
  hub::Log log_{{}, std::make_shared<hub::MemoryUse>()};
  std::unique_ptr<ValueSource> source_;
  std::optional<absl::Status> end_;
};

TEST_F(ValueSourceTest, TheFirstValuesComeWithoutAChange) {
  EXPECT_TRUE(Eventually([&] { return Shows(0, 0); }));
  EXPECT_FALSE(feed_.latest().stale);
}

TEST_F(ValueSourceTest, TheLatestChangeIsShownHoweverManyThereWere) {
  for (uint64_t i = 1; i <= 10000; ++i) Change(i);
  EXPECT_TRUE(Eventually([&] { return Shows(10000, 10000); }));
  EXPECT_LT(feed_.latest().number, 10000u);
}

TEST_F(ValueSourceTest, AtTheEndTheLastValuesStayStale) {
  Change(7, KCHAN_STATE_DEAD);
  EXPECT_TRUE(Eventually([&] { return Shows(1, 7); }));
  loop_.Run([&] {
    ASSERT_TRUE(end_.has_value());
    EXPECT_TRUE(end_->ok());
    source_.reset();
  });
  EXPECT_TRUE(feed_.latest().stale);
  EXPECT_TRUE(Shows(1, 7));
}

TEST_F(ValueSourceTest, AnErrorIsTheEnd) {
  {
    const std::lock_guard lock(mutex_);
    error_ = absl::InternalError("broken");
  }
  Change(1);
  EXPECT_TRUE(loop_.Eventually([&] { return end_.has_value(); }));
  EXPECT_FALSE(end_->ok());
}

}  // namespace
}  // namespace kchan::testing
