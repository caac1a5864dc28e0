// SPDX-License-Identifier: Apache-2.0
#include "bridge/logging.h"

#include <memory>
#include <string>
#include <utility>

#include "grpc/support/log.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace kchan {
namespace {

// The message as the inside of a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& to) override {
    for (const char c : message.payload) Append(c, to);
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }

 private:
  static void Append(char c, spdlog::memory_buf_t& to) {
    constexpr char kHex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
      to.push_back('\\');
      to.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      const auto byte = static_cast<unsigned char>(c);
      for (const char part : {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]}) {
        to.push_back(part);
      }
    } else {
      to.push_back(c);
    }
  }
};

std::unique_ptr<spdlog::formatter> Formatter(bool json) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  formatter->add_flag<JsonMessage>('*');
  formatter->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":"%*"})"
                              : "%Y-%m-%d %H:%M:%S.%e %l: %v");
  return formatter;
}

spdlog::level::level_enum ToSpdlog(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kDebug:
      return spdlog::level::debug;
    case config::LogLevel::kInfo:
      return spdlog::level::info;
    case config::LogLevel::kWarning:
      return spdlog::level::warn;
    case config::LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// gRPC calls things errors that a client can cause at will: never more than a
// warning here.
void LogOfGrpc(gpr_log_func_args* args) {
  const auto level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? spdlog::level::warn : spdlog::level::debug;
  spdlog::log(level, "grpc: {}", args->message);
}

}  // namespace

void WriteAuditLine(const std::string& line) {
  // Its own: a level does not silence it, and reading the configuration again
  // does not replace it.
  static spdlog::logger& audit = *[] {
    auto* logger = new spdlog::logger("audit", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::trace);
    return logger;
  }();
  audit.info("{}", line);
}

void StartLogging(const config::Logging& logging) {
  auto logger =
      std::make_shared<spdlog::logger>("kchand", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(Formatter(logging.json));
  logger->set_level(ToSpdlog(logging.level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(LogOfGrpc);
}

}  // namespace kchan
