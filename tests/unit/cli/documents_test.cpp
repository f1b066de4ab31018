#include "cli/documents.h"

#include <catch2/catch.hpp>

using namespace immucan::cli;

namespace {

/// One command whose texts hold what each output form must escape.
ProgramDescription awkward_program() {
  OptionDescription input = parse_flags("FILE");
  input.group = "Input";
  input.text = ".fcs files | or <stdin>";
  input.kind = ValueKind::kPath;
  input.required = true;
  input.repeated = true;
  OptionDescription method = parse_flags("-m,--method");
  method.group = "Algorithm";
  method.text = "it's [how]: a\\b";
  method.kind = ValueKind::kChoice;
  method.choices = {"one", "two"};
  method.default_value = "one";
  OptionDescription flag = parse_flags("--fast,!--no-fast");
  flag.group = "Algorithm";
  flag.text = "be ≥ 2 × fast";
  OptionDescription version = parse_flags("--version");
  version.text = "Print the version";
  return {
      "my-tool", "1.2.3", "Does things.", {{"do-it", "Does it.", "my-tool do-it x", {input, method, flag}}}, {version}};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("flags are taken apart") {
  const OptionDescription both = parse_flags("-n,--long,!--no-long");
  CHECK(both.flags == std::vector<std::string>{"-n", "--long"});
  CHECK(both.negated == std::vector<std::string>{"--no-long"});
  CHECK(both.positional.empty());
  const OptionDescription positional = parse_flags("FILE");
  CHECK(positional.positional == "FILE");
  CHECK(positional.flags.empty());
}

TEST_CASE("usage shows what is required and repeated") {
  ProgramDescription program = awkward_program();
  CHECK(usage_line(program.tool, program.commands[0]) == "my-tool do-it [OPTIONS] FILE...");
  program.commands[0].options[0].required = false;
  CHECK(usage_line(program.tool, program.commands[0]) == "my-tool do-it [OPTIONS] [FILE...]");
}

TEST_CASE("the Markdown page escapes cells and does not name the version") {
  const std::string page = markdown_page(awkward_program());
  CHECK(contains(page, "| `FILE...` |  | required | .fcs files \\| or &lt;stdin> |"));
  CHECK(contains(page, "| `-m`, `--method` | `one`, `two` | `one` | it's [how]: a\\b |"));
  CHECK(contains(page, "| `--fast`, `--no-fast` |  |  | be ≥ 2 × fast |"));
  CHECK(contains(page, "## do-it\n\nDoes it.\n\n    my-tool do-it [OPTIONS] FILE...\n"));
  CHECK_FALSE(contains(page, "1.2.3"));
}

TEST_CASE("the man page protects control characters at line starts") {
  const std::string page = man_page(awkward_program());
  CHECK(contains(page, ".TH \"MY\\-TOOL\" 1 \"\" \"my-tool 1.2.3\""));
  CHECK(contains(page, "\n\\&.fcs files | or <stdin> Required.\n"));
  CHECK(contains(page, "\\fB\\-m\\fR, \\fB\\-\\-method\\fR \\fI{one,two}\\fR\nit's [how]: a\\eb [default: one]\n"));
  CHECK(contains(page, "be \\[u2265] 2 \\[u00D7] fast\n"));
}

TEST_CASE("completion scripts quote descriptions") {
  const ProgramDescription program = awkward_program();
  const std::string bash = completion_script(program, "bash");
  CHECK(contains(bash, "-m|--method) COMPREPLY=($(compgen -W 'one two' -- \"$cur\")); return ;;"));
  CHECK(contains(bash, "complete -o default -F _my_tool my-tool\n"));
  const std::string zsh = completion_script(program, "zsh");
  CHECK(contains(zsh, "'--method[it'\\''s \\[how\\]\\: a\\b]:value:(one two)'"));
  const std::string fish = completion_script(program, "fish");
  CHECK(contains(fish, "-s m -l method -x -a 'one two' -d 'it\\'s [how]: a\\\\b'\n"));
  CHECK(contains(fish, "-l fast -l no-fast -d 'be ≥ 2 × fast'\n"));
}
