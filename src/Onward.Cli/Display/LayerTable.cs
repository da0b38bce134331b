using System.Globalization;
using Onward.Layers;
using Onward.Models;

namespace Onward.Cli;

/// <summary>The layers of a network of any layers, in order: shapes, costs, and where noise enters.</summary>
internal static class LayerTable
{
    /// <summary>Lists the layers of all blocks and the heads.</summary>
    internal static IReadOnlyList<Row> Rows(Network network)
    {
        List<Row> rows = [];
        foreach (NetworkBlock block in network.Blocks)
        {
            ExampleShape shape = block.Input;
            int place = 0;
            foreach (Layer layer in block.Description.Layers)
            {
                shape = Add(rows, block, layer, shape, depth: 0, ref place);
            }

            rows.Add(OfHead($"blocks.{block.Index}", "head", block.Head, (long)block.Patches * block.Groups));
        }

        if (network.Projector is not null)
        {
            rows.Add(OfHead("", "projector", network.Projector, null));
        }

        rows.Add(OfHead("", "readout", network.Readout, null));
        return rows;
    }

    /// <summary>Formats the rows.</summary>
    internal static TextTable Format(IReadOnlyList<Row> rows)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        TextTable table = new TextTable(0, 1).Add("block", "layer", "output", "parameters", "MFLOP", "noise", "losses reached");
        string block = "";
        foreach (Row row in rows)
        {
            table.Add(
                row.Block == block ? "" : row.Block,
                row.Layer,
                string.Join('x', row.Output),
                row.Parameters == 0 ? "" : row.Parameters.ToString("N0", culture),
                row.Mflop == 0 ? "" : Figures.Megaflops(row.Mflop),
                row.Noise?.ToString("N0", culture) ?? "",
                row switch
                {
                    { Reached: long reached } => string.Create(culture, $"{reached:N0} of {row.LocalLosses:N0}"),
                    { LocalLosses: long losses } => string.Create(culture, $"{losses:N0}"),
                    _ => "",
                });
            block = row.Block;
        }

        return table;
    }

    private static ExampleShape Add(List<Row> rows, NetworkBlock block, Layer layer, ExampleShape input, int depth, ref int place)
    {
        string name = new string(' ', 2 * depth) + (layer is Residual ? "Residual" : layer.ToString());
        ExampleShape output = layer.OutputOf(input);
        int[] sizes = output.Positions == 1 ? [output.Channels] : [output.Height, output.Width, output.Channels];
        Row row = new($"blocks.{block.Index}", name, sizes);
        switch (layer)
        {
            case AffineLayer map:
                NetworkLayer own = block.Layers[place++];
                row = row with
                {
                    Parameters = (long)own.Weight.Length + own.Bias.Length,
                    Mflop = Round(2.0 * own.Positions * map.MultiplyAddsPerRow),
                    Noise = (long)own.Positions * map.Outputs,
                    Reached = MostPositions(own) * (own.ReachesAllGroups ? block.Groups : 1),
                    LocalLosses = (long)block.Patches * block.Groups,
                };
                rows.Add(row);
                break;
            case Residual residual:
                rows.Add(row);
                ExampleShape shape = input;
                foreach (Layer inner in residual.Layers)
                {
                    shape = Add(rows, block, inner, shape, depth + 1, ref place);
                }

                break;
            default:
                rows.Add(row);
                break;
        }

        return output;
    }

    private static long MostPositions(NetworkLayer layer) => Enumerable.Range(0, layer.Positions).Max(
        position => (long)Length(layer.ReachOf(position).Rows) * Length(layer.ReachOf(position).Columns));

    private static int Length(Range range) => range.End.Value - range.Start.Value;

    private static Row OfHead(string block, string name, LinearHead head, long? losses) => new(block, name, [head.Outputs])
    {
        Parameters = (long)head.Weight.Length + head.Bias.Length,
        Mflop = Round(head.FlopsPerExample),
        LocalLosses = losses,
    };

    private static double Round(double flops) => Math.Round(flops / 1e6, 6);

    /// <summary>A layer or a head.</summary>
    /// <param name="Block">The name of its block; empty if it is behind all blocks.</param>
    /// <param name="Layer">The layer, indented within residuals.</param>
    /// <param name="Output">The shape of its output for one example.</param>
    internal sealed record Row(string Block, string Layer, IReadOnlyList<int> Output)
    {
        /// <summary>Numbers of weight and bias.</summary>
        public long Parameters { get; init; }

        /// <summary>Millions of floating-point operations for the values of one example.</summary>
        public double Mflop { get; init; }

        /// <summary>Numbers of noise for one example and direction; null if no noise enters behind the layer.</summary>
        public long? Noise { get; init; }

        /// <summary>The most local losses that one number of noise can change; null if no noise enters.</summary>
        public long? Reached { get; init; }

        /// <summary>Local losses of the block; null if the row has none.</summary>
        public long? LocalLosses { get; init; }
    }
}
