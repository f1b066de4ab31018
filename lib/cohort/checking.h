#pragma once
#include <string>
#include <vector>

#include "cohort/store.h"

namespace immucan::cohort {

/// Something in a registry that a person should look at.
struct Finding {
  std::string rule;    ///< kebab-case, one of check_rules()
  std::string object;  ///< patient, sample, file … or a table
  std::string id;
  std::string detail;
  auto operator<=>(const Finding&) const = default;
};

struct CheckRule {
  std::string name;
  std::string meaning;
};
/// Every rule that check_registry applies, in its order.
[[nodiscard]] std::vector<CheckRule> check_rules();

/// All findings, sorted by rule, object, id and detail. Reads only.
[[nodiscard]] std::vector<Finding> check_registry(Database& database);

/// `rule object id detail`, with header.
[[nodiscard]] std::string findings_tsv(const std::vector<Finding>& findings);
[[nodiscard]] std::string findings_json(const std::vector<Finding>& findings);

}  // namespace immucan::cohort
