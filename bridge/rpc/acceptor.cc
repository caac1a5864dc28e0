// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/acceptor.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::rpc {
namespace {

// At one socket, before others have their turn.
constexpr int kMaxInARow = 32;

constexpr std::chrono::milliseconds kShortestRest(10);
constexpr std::chrono::milliseconds kLongestRest(250);

// The connection that was to be accepted has gone: accept(2) lists what its error
// may be. The next one may be all right.
bool IsOfTheConnection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

// gRPC asks the same, and gives each that has gone a line in the log.
bool HasPeer(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Start(std::vector<Door> doors,
                                                          size_t max_connections, Warn warn) {
  std::unique_ptr<Acceptor> acceptor(
      new Acceptor(std::move(doors), max_connections, std::move(warn)));
  if (absl::Status status = acceptor->stop_.status(); !status.ok()) return status;
  acceptor->thread_ = std::thread([raw = acceptor.get()] { raw->Run(); });
  pthread_setname_np(acceptor->thread_.native_handle(), "kchand-accept");
  return acceptor;
}

Acceptor::Acceptor(std::vector<Door> doors, size_t max_connections, Warn warn)
    : warn_(std::move(warn)) {
  for (Door& door : doors) {
    listeners_.push_back(std::make_unique<Listener>(std::move(door), max_connections));
    Listener* listener = listeners_.back().get();
    for (const ListeningSocket& socket : listener->door.sockets) {
      watched_.push_back({.listener = listener, .fd = socket.fd()});
    }
  }
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  stop_.Set();
  thread_.join();
  for (const auto& listener : listeners_) listener->door.sockets.clear();
}

std::vector<ConnectionCount> Acceptor::Count() const {
  std::vector<ConnectionCount> counts;
  for (const auto& listener : listeners_) {
    counts.push_back({.address = listener->door.address,
                      .open = listener->connections.Count(),
                      .max = listener->connections.max(),
                      .accepted = listener->accepted,
                      .refused = listener->refused,
                      .failures = listener->failures});
  }
  return counts;
}

void Acceptor::Run() {
  std::vector<pollfd> polled(watched_.size() + 1);
  polled.back() = {.fd = stop_.fd(), .events = POLLIN, .revents = 0};
  while (true) {
    Clock::time_point now = Clock::now();
    for (size_t i = 0; i < watched_.size(); ++i) {
      // One that rests is ready all the time.
      const bool rests = now < watched_[i].rests_until;
      polled[i] = {.fd = rests ? -1 : watched_[i].fd, .events = POLLIN, .revents = 0};
    }
    // What fails is an interruption: nothing is ready then.
    if (poll(polled.data(), polled.size(), MillisecondsToWait(now)) < 0) continue;
    if (polled.back().revents != 0) return;
    now = Clock::now();
    for (size_t i = 0; i < watched_.size(); ++i) {
      if (polled[i].revents != 0) AcceptSome(watched_[i], now);
    }
  }
}

int Acceptor::MillisecondsToWait(Clock::time_point now) const {
  Clock::duration shortest = Clock::duration::max();
  for (const Watched& watched : watched_) {
    if (now < watched.rests_until) shortest = std::min(shortest, watched.rests_until - now);
  }
  if (shortest == Clock::duration::max()) return -1;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(shortest).count());
}

void Acceptor::AcceptSome(Watched& watched, Clock::time_point now) {
  for (int i = 0; i < kMaxInARow; ++i) {
    const int fd = accept4(watched.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      watched.rest = Clock::duration(0);
      Admit(watched, fd, now);
    } else if (errno == EAGAIN) {
      return;
    } else if (IsOfTheConnection(errno)) {
      ++watched.listener->failures;
    } else {
      Rest(watched, errno, now);
      return;
    }
  }
}

void Acceptor::Admit(Watched& watched, int fd, Clock::time_point now) {
  Listener& listener = *watched.listener;
  if (!listener.connections.HasRoom(now)) {
    close(fd);
    ++listener.refused;
    if (const uint64_t count = listener.refused_lines.Add(now); count != 0 && warn_) {
      warn_(absl::StrCat("listener ", listener.door.address, ": ", listener.connections.max(),
                         " connections are open, which is limits.max_connections: ", count,
                         " more refused"));
    }
    return;
  }
  if (!HasPeer(fd) || !listener.connections.Add(fd)) {
    close(fd);
    ++listener.failures;
    return;
  }
  ++listener.accepted;
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.listener_fd = watched.fd;
  connection.fd = fd;
  listener.door.server->HandleNewConnection(&connection);
}

// Whatever it is, the next try would meet it too.
void Acceptor::Rest(Watched& watched, int error, Clock::time_point now) {
  Listener& listener = *watched.listener;
  watched.rest = std::clamp<Clock::duration>(2 * watched.rest, kShortestRest, kLongestRest);
  watched.rests_until = now + watched.rest;
  ++listener.failures;
  if (const uint64_t count = listener.failure_lines.Add(now); count != 0 && warn_) {
    warn_(absl::StrCat("listener ", listener.door.address,
                       ": cannot accept connections: ", std::strerror(error), " (", count,
                       count == 1 ? " time" : " times", "); clients wait until it can again"));
  }
}

}  // namespace kchan::rpc
