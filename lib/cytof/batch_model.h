#pragma once
// CytoNorm (Van Gassen et al., Cytometry A 97:268, 2020): per channel, batch and cluster, the quantiles of the batch's
// controls are moved to the goal, the mean of the batches, by a monotone spline.
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "cytof/channel_choice.h"
#include "io/byte_source.h"
#include "stats/clustering_som.h"
#include "stats/monotone_spline.h"

namespace immucan::cytof {

/// What happens beyond the outermost quantiles. kClamp: shifted like the outermost quantile, held within the range of
/// the goal. kQuantiles: held at the goal's outermost quantiles. kLinear: CytoNorm's line with the end slope, without
/// bound.
enum class Extrapolation { kClamp, kQuantiles, kLinear };
/// "clamp", "quantiles", "linear"; nullopt otherwise.
[[nodiscard]] std::optional<Extrapolation> parse_extrapolation(std::string_view text);

/// Everything on the arcsinh(x/cofactor) scale. Quantiles are ascending, at (0, 1/(n+1) … n/(n+1), 1); the outermost
/// two are the range.
struct BatchModel {
  double cofactor = 5;
  std::size_t quantiles = 99;
  std::size_t least_cells = 50;  ///< a cluster of a batch must hold more, else its cells stay as they are
  ChannelSet channels;
  std::vector<std::string> batches;
  std::size_t clusters = 1;
  std::size_t map_width = 0, map_height = 0;
  std::vector<float> map_codes;           ///< nodes × channels; empty with one cluster
  std::vector<std::size_t> node_cluster;  ///< of each node
  struct Cell {
    std::uint64_t cells = 0;
    std::vector<std::vector<double>> quantiles;  ///< per channel; empty = too few cells
  };
  std::vector<Cell> learnt;                             ///< batch × cluster
  std::vector<std::vector<std::vector<double>>> goals;  ///< per cluster and channel; empty = no batch had enough cells

  [[nodiscard]] const Cell& cell(std::size_t batch, std::size_t cluster) const {
    return learnt[batch * clusters + cluster];
  }
};

/// Raw intensities of the controls: per batch, events × channels.
struct BatchControls {
  ChannelSet channels;
  std::vector<std::string> batches;
  std::vector<std::vector<float>> values;
};

struct BatchTrainOptions {
  double cofactor = 5;
  std::int64_t quantiles = 99;
  std::int64_t clusters = 10;
  std::int64_t grid = 15;  ///< nodes along each side of the map
  std::int64_t least_cells = 50;
  std::uint64_t seed = 1;
  unsigned threads = 1;
};

/// At least two batches with events. 64 for options out of range, 65 for controls too few for the map.
[[nodiscard]] BatchModel train_batches(const BatchControls& controls, const BatchTrainOptions& options);

[[nodiscard]] std::string to_json(const BatchModel& model);
/// 65 on anything else than a model of this tool and schema.
[[nodiscard]] BatchModel read_batch_model(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] BatchModel read_batch_model(std::unique_ptr<io::ByteSource> source);

/// Moves events of one batch. Immutable after construction: threads may share it.
class BatchTransform {
 public:
  BatchTransform(const BatchModel& model, std::size_t batch, Extrapolation extrapolation);
  /// Raw intensities of the model's channels, in its order, in place. `scaled` is a buffer.
  void apply(std::span<double> values, std::vector<float>& scaled) const;
  /// No value of this channel is mapped higher when none is above `largest`.
  [[nodiscard]] double upper_bound(std::size_t channel, double largest) const;
  /// Clusters left as they are because the batch had too few cells there.
  [[nodiscard]] std::size_t identities() const;

 private:
  struct Curve {
    std::optional<stats::MonotoneSpline> spline;  ///< nullopt = identity
    double low = 0, high = 0;                     ///< results are held between
  };
  [[nodiscard]] double moved(const Curve& curve, double scaled, double raw) const;

  double cofactor_;
  Extrapolation extrapolation_;
  std::size_t channels_, clusters_;
  std::optional<stats::SelfOrganisingMap> map_;
  std::vector<std::size_t> node_cluster_;
  std::vector<Curve> curves_;  ///< cluster × channel
};

}  // namespace immucan::cytof
