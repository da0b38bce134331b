using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Layers;

namespace Onward.Models;

/// <summary>A block in its place in a network: its layers with their parameters, and the head of its local loss.</summary>
public sealed class NetworkBlock
{
    internal NetworkBlock(Block description, int index, ExampleShape input, BlockPlan plan, LinearHead head, int headRows)
    {
        HeadRows = headRows;
        (Description, Index, Input, Plan, Head) = (description, index, input, plan, head);
        Groups = description.Groups;
        FeatureNorm = description.FeatureNorm?.Size ?? 0;
        DeclareReach();
    }

    /// <summary>The layers as they were described.</summary>
    public Block Description { get; }

    /// <summary>The block's number, from 0.</summary>
    public int Index { get; }

    /// <summary>The shape of the input.</summary>
    public ExampleShape Input { get; }

    /// <summary>The shape of the output.</summary>
    public ExampleShape Output => Plan.Output;

    /// <summary>Positions of an example in the output, P.</summary>
    public int Patches => Output.Positions;

    /// <summary>Channels of the output, D.</summary>
    public int Channels => Output.Channels;

    /// <summary>Rows of an example that the head reads (<see cref="Network.HeadRows"/>).</summary>
    public int HeadRows { get; }

    /// <summary>Positions whose mean is a row that the head reads.</summary>
    internal int PooledPositions => Patches / HeadRows;

    /// <summary>True if no position of the output depends on a later position of the input, along a single column.</summary>
    internal bool IsCausal { get; private set; }

    /// <summary>Channel groups of the output, G.</summary>
    public int Groups { get; }

    /// <summary>Channels of one group, C.</summary>
    public int ChannelsPerGroup => Channels / Groups;

    /// <summary>The affine layers, in order.</summary>
    public IReadOnlyList<NetworkLayer> Layers => Plan.Layers;

    /// <summary>The classifier of the block's local loss.</summary>
    public LinearHead Head { get; }

    /// <summary>Floats normalised together before the local head; 0 for none.</summary>
    public int FeatureNorm { get; }

    /// <summary>
    /// Floating-point operations in the matrix products and convolutions of one example's values; the head is not counted.
    /// </summary>
    public long FlopsPerExample => 2 * Layers.Sum(layer => layer.Positions * layer.Map.MultiplyAddsPerRow);

    /// <summary>The first of the block's parameters, which lie together.</summary>
    internal Parameter FirstParameter => Layers[0].Weight;

    internal BlockPlan Plan { get; }

    /// <summary>
    /// Computes the values of one tile, from <see cref="BlockActivations.Source"/> to <see cref="BlockActivations.Result"/>, and the
    /// features of the local head.
    /// </summary>
    /// <param name="values">The network's parameters.</param>
    /// <param name="tile">The memory of the tile, with all slots attached.</param>
    /// <param name="examples">Examples in the tile.</param>
    internal void Forward(ParameterVector values, BlockActivations tile, int examples)
    {
        foreach (Section section in Plan.Sections)
        {
            section.Forward(values, tile, examples);
        }

        ReadOnlySpan<float> result = tile.Result.Span[..(examples * Output.Length)];
        Span<float> features = tile.Features[..result.Length];
        if (FeatureNorm > 0)
        {
            LayerNormKernel.Normalize(
                result, features, tile.FeatureReciprocal[..(result.Length / FeatureNorm)], FeatureNorm, Description.FeatureNorm!.Epsilon);
        }
        else
        {
            result.CopyTo(features);
        }

        Pool(features, tile.Pooled[..(examples * HeadRows * Channels)]);
    }

    /// <summary>
    /// pooled [examples, D] = mean over the positions of rows [examples, P, D]; a copy if the head reads every position.
    /// </summary>
    internal void Pool(ReadOnlySpan<float> rows, Span<float> pooled)
    {
        if (PooledPositions == 1)
        {
            rows[..pooled.Length].CopyTo(pooled);
            return;
        }

        for (int n = 0; n < pooled.Length; n += Channels)
        {
            Span<float> mean = pooled.Slice(n, Channels);
            ReadOnlySpan<float> example = rows.Slice(n * Patches, Patches * Channels);
            example[..Channels].CopyTo(mean);
            for (int p = 1; p < Patches; p++)
            {
                TensorPrimitives.Add(mean, example.Slice(p * Channels, Channels), mean);
            }

            TensorPrimitives.Multiply(mean, 1f / Patches, mean);
        }
    }

    /// <summary>The floats of the chunk of rows that starts at <paramref name="row"/>.</summary>
    internal static Range Chunk(int row, int rows, int width) =>
        (row * width)..(Math.Min(row + Section.ChunkRows, rows) * width);

    /// <summary>The runs, <paramref name="size"/> floats each, that lie in a chunk.</summary>
    internal static Range Runs(Range chunk, int size) => (chunk.Start.Value / size)..(chunk.End.Value / size);

    // Folds the reach of each layer from the block's end back to the noise sites and to the outputs of the affine layers. The losses of a
    // cell read the normalised features.
    private void DeclareReach()
    {
        Reach reach = new(0, Math.Max(1, FeatureNorm));
        ReachedPositions reached = ReachedPositions.Own(Output);
        ReachedPositions[] behind = new ReachedPositions[Plan.ResidualLengths.Length];
        foreach (Section section in Plan.Sections.Reverse())
        {
            foreach (Step step in section.Steps.Reverse())
            {
                if (step is RowStep row)
                {
                    Pass(row.Layer.Reach, section.Shape);
                }
                else if (step is AddStep add)
                {
                    behind[add.Residual] = reached;
                }
                else if (step is KeepStep keep)
                {
                    reached = reached.Or(behind[keep.Residual]);
                    if (Plan.Ends[keep.Residual].Channels != keep.Channels)
                    {
                        // Each channel is added to a channel of every copy.
                        reach = reach with { Run = Reach.All };
                    }
                }
                else if (step is SiteStep site)
                {
                    site.Layer.Reached = reached;
                    site.Layer.ReachesAllPositions = reached.AreAll(Output);
                    site.Layer.ReachesLaterPositions = reached.AreLater(Output);
                    site.Layer.ReachesOtherPositions =
                        !reach.KeepsPositions || (section.Shape.Height, section.Shape.Width) != (Output.Height, Output.Width);
                    site.Layer.ReachesAllGroups = ReachesOtherGroups(section);
                }
            }

            if (section.Layer is NetworkLayer layer)
            {
                layer.OutputReachesAllGroups = ReachesOtherGroups(section);
            }

            Layer? product = section.Layer?.Map ?? (Layer?)section.Example;
            if (product is not null || section.InputShape != section.Shape)
            {
                Pass(product?.Reach ?? Reach.Everywhere, section.InputShape);
            }
        }

        IsCausal = Input.Width == 1 && Output.Width == 1 && reached.AreNoEarlier;

        void Pass(Reach layer, ExampleShape input)
        {
            reach = layer.Then(reach);
            reached = reached.Before(layer, input);
        }

        bool ReachesOtherGroups(Section section) =>
            reach.Run == Reach.All || section.Shape.Channels != Channels || ChannelsPerGroup % reach.Run != 0;
    }
}
