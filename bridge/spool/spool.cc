// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/spool.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "bridge/spool/deletion.h"
#include "bridge/spool/write_error.h"
#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

constexpr size_t kMaxChannels = 4096;  // that have a folder

// What a channel may be called to have a folder of its name.
bool IsFolderName(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name.front() != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace

std::unique_ptr<Spool> Spool::Start(SpoolOptions options, std::shared_ptr<hub::MemoryUse> use) {
  if (options.files == nullptr) options.files = std::make_shared<Files>();
  std::unique_ptr<Spool> spool(new Spool(std::move(options), std::move(use)));
  spool->RecoverAll();
  spool->thread_ = std::thread([&spool = *spool] { spool.Loop(); });
  pthread_setname_np(spool->thread_.native_handle(), "kchand-spool");
  return spool;
}

Spool::Spool(SpoolOptions options, std::shared_ptr<hub::MemoryUse> use)
    : options_(std::move(options)),
      files_(options_.files),
      use_(std::move(use)),
      loader_(options_.max_read_bytes) {}

Spool::~Spool() { Stop(); }

void Spool::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  loader_.Stop();
}

// Before the threads run.
void Spool::RecoverAll() {
  std::vector<FoundFile> found;
  // What cannot be written is nobody's, and can be read all the same.
  const int claimed = Claim();
  if (claimed < 0 && claimed != -EROFS) return;
  if (files_->List(options_.directory, found) < 0) return;
  is_recovered_ = true;
  for (const FoundFile& folder : found) {
    if (!folder.is_folder || !IsFolderName(folder.name)) continue;
    const std::shared_ptr<ChannelSpool> channel = AddChannel(folder.name);
    int error = 0;
    RecoveredFolder recovered = Recover(*files_, channel->folder(), folder.name, error);
    if (error < 0) recovered.damages.push_back(ReasonOf(error, channel->folder()));
    channel->Recovered(std::move(recovered));
  }
  TellProblems();
}

std::shared_ptr<ChannelSpool> Spool::AddChannel(std::string_view name) {
  auto& channel = channels_[std::string(name)];
  if (channel == nullptr) {
    channel = std::make_shared<ChannelSpool>(
        std::string(name), text::Concat(options_.directory, "/", name), files_, options_.boot_id,
        loader_, use_, [this] { TellProblems(); });
  }
  return channel;
}

std::shared_ptr<hub::History> Spool::HistoryOf(std::string_view channel) {
  if (!options_.limits_for(channel) || !IsFolderName(channel)) return nullptr;
  const std::lock_guard lock(mutex_);
  // A second channel of that name would be another one's successor.
  if (given_out_.contains(channel)) return nullptr;
  if (!channels_.contains(channel) && channels_.size() >= kMaxChannels) {
    if (options_.on_note) {
      options_.on_note(text::Concat(
          "channel ", channel, " is not spooled: ", options_.directory, " has folders of ",
          kMaxChannels, " channels; remove those of channels that will not come again"));
    }
    return nullptr;
  }
  given_out_.emplace(channel);
  return AddChannel(channel);
}

void Spool::Follow(std::shared_ptr<hub::Channel> channel) {
  const std::lock_guard lock(mutex_);
  newcomers_.push_back(std::move(channel));
  changed_.notify_all();
}

void Spool::Leave(const std::shared_ptr<hub::Channel>& channel) {
  const std::lock_guard lock(mutex_);
  leavers_.push_back(channel);
  changed_.notify_all();
}

void Spool::UpdateLimits() {
  const std::lock_guard lock(mutex_);
  limits_changed_ = true;
  changed_.notify_all();
}

std::vector<std::string> Spool::channels() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, channel] : channels_) {
    if (channel->oldest()) names.push_back(name);
  }
  return names;
}

std::vector<hub::Problem> Spool::problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<hub::Problem> problems;
  for (const auto& [name, channel] : channels_) {
    std::vector<hub::Problem> own = channel->problems();
    problems.insert(problems.end(), own.begin(), own.end());
  }
  return problems;
}

void Spool::TellProblems() {
  if (options_.on_problems) options_.on_problems(problems());
}

void Spool::Loop() {
  for (;;) {
    std::set<ChannelWriter*> ready;
    TakeNews(ready);
    const Clock::time_point now = Clock::now();
    for (ChannelWriter* writer : ready) writer->Ready(now);
    std::optional<Clock::time_point> due;
    for (const auto& writer : writers_) {
      if (writer->due() && *writer->due() <= now) writer->Run(now);
      if (writer->due() && (!due || *writer->due() < *due)) due = writer->due();
    }
    std::unique_lock lock(mutex_);
    const auto has_news = [this] {
      return is_stopping_ || !ready_.empty() || !newcomers_.empty() || !leavers_.empty() ||
             limits_changed_;
    };
    if (due) {
      changed_.wait_until(lock, *due, has_news);
    } else {
      changed_.wait(lock, has_news);
    }
    if (is_stopping_ && newcomers_.empty() && leavers_.empty()) break;
  }
  for (const auto& writer : writers_) writer->Stop();
  writers_.clear();
}

void Spool::TakeNews(std::set<ChannelWriter*>& ready) {
  std::vector<std::shared_ptr<hub::Channel>> newcomers;
  std::vector<std::shared_ptr<hub::Channel>> leavers;
  bool limits_changed = false;
  {
    const std::lock_guard lock(mutex_);
    ready.swap(ready_);
    newcomers.swap(newcomers_);
    leavers.swap(leavers_);
    limits_changed = std::exchange(limits_changed_, false);
  }
  for (const auto& channel : newcomers) Begin(channel);
  for (const auto& channel : leavers) End(channel, ready);
  if (limits_changed) ApplyLimits();
}

void Spool::Begin(const std::shared_ptr<hub::Channel>& channel) {
  std::shared_ptr<ChannelSpool> spool;
  {
    const std::lock_guard lock(mutex_);
    spool = channels_.find(channel->name())->second;
  }
  writers_.push_back(nullptr);
  std::unique_ptr<ChannelWriter>& writer = writers_.back();
  // The address is known before anything can be ready.
  SpoolRoot& root = *this;
  writer = std::make_unique<ChannelWriter>(
      root, std::move(spool), channel, options_.limits_for(channel->name()).value_or(SpoolLimits{}),
      is_recovered_, [this](ChannelWriter* self) {
        const std::lock_guard lock(mutex_);
        if (ready_.insert(self).second) changed_.notify_all();
      });
  writer->Ready(Clock::now());
}

// What is in its log is written first. Then a channel of this name may come again.
void Spool::End(const std::shared_ptr<hub::Channel>& channel, std::set<ChannelWriter*>& ready) {
  const auto found = std::find_if(writers_.begin(), writers_.end(), [&](const auto& writer) {
    return &writer->channel() == channel.get();
  });
  if (found == writers_.end()) return;
  // It goes without the lock, which a log may want while it has its own.
  const std::unique_ptr<ChannelWriter> writer = std::move(*found);
  writers_.erase(found);
  writer->Stop();
  ready.erase(writer.get());
  writer->spool().Ended();
  const std::lock_guard lock(mutex_);
  ready_.erase(writer.get());
  given_out_.erase(channel->name());
}

void Spool::ApplyLimits() {
  for (const auto& writer : writers_) {
    if (const auto limits = options_.limits_for(writer->spool().name())) {
      writer->SetLimits(*limits);
    }
  }
}

int Spool::Claim() {
  if (lock_) return 0;
  if (const int error = files_->MakeFolder(options_.directory); error < 0) return error;
  const int fd = files_->Lock(text::Concat(options_.directory, "/lock"));
  if (fd < 0) return fd;
  lock_ = OpenFile(*files_, fd);
  return 0;
}

int Spool::MakeRoom(uint64_t bytes) {
  std::vector<std::shared_ptr<ChannelSpool>> channels;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, channel] : channels_) channels.push_back(channel);
  }
  for (;;) {
    uint64_t used = 0;
    ChannelSpool* victim = nullptr;
    uint64_t oldest_ns = UINT64_MAX;
    for (const auto& channel : channels) {
      used += channel->WithCatalog([](Catalog& catalog) { return catalog.bytes(); });
      const std::optional<uint64_t> ns = OldestNs(*channel);
      if (!ns || *ns >= oldest_ns) continue;
      oldest_ns = *ns;
      victim = channel.get();
    }
    if (used + bytes <= options_.max_total_bytes || victim == nullptr) return 0;
    if (const int error = DeleteOldest(*victim); error < 0) return error;
  }
}

}  // namespace kchan::spool
