using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// Carries errors back through the blocks of one tile, the reverse of <see cref="NetworkBlock.Forward"/>. Each thread has a pass with
/// memory of its own.
/// </summary>
internal sealed class BackwardPass
{
    private readonly Network _model;
    private readonly ErrorPath? _path;
    private readonly Memory<float> _output;
    private readonly Memory<float>[] _sections; // the gradient at the product of each section that has no affine layer
    private readonly Memory<float>[] _residuals; // the gradient of each residual that does not lie in the error itself
    private readonly bool[] _inError;
    private readonly Memory<float> _chunk;
    private Memory<float> _fromNext;
    private Memory<float> _forPrevious;

    /// <summary>Allocates the memory of a thread.</summary>
    /// <param name="model">The network.</param>
    /// <param name="path">The matrices that errors go back through; null to go through no affine layer.</param>
    /// <param name="examples">Examples in a tile.</param>
    /// <param name="overlap">True if errors of neighbouring blocks meet.</param>
    internal BackwardPass(Network model, ErrorPath? path, int examples, bool overlap = false)
    {
        (_model, _path) = (model, path);
        BlockPlan[] plans = [.. model.Blocks.Select(block => block.Plan)];
        int length = checked(examples * model.LargestOutput);
        _output = AlignedMemory.Allocate(length);
        _sections = Allocate(plans.Max(plan => plan.Sections.Length), LengthOfSection);
        _residuals = Allocate(plans.Max(plan => plan.ResidualLengths.Length), LengthOfResidual);
        _inError = new bool[_residuals.Length];
        _chunk = AlignedMemory.Allocate(Section.ChunkRows * model.Blocks.Max(block => block.Channels));
        _fromNext = AlignedMemory.Allocate(overlap ? length : 0);
        _forPrevious = AlignedMemory.Allocate(overlap ? length : 0);

        // No error goes back to the images.
        int LengthOfSection(BlockPlan plan, int place) =>
            place >= plan.Sections.Length || plan.Sections[place].Layer is not null || (plan == plans[0] && place < plan.FirstAffine)
                ? 0 : plan.Sections[place].Shape.Length;

        // The first residual to end in the last section needs no memory of its own.
        int LengthOfResidual(BlockPlan plan, int id) =>
            id >= plan.ResidualLengths.Length || plan.Sections[^1].Steps.OfType<AddStep>().LastOrDefault()?.Residual == id
                ? 0 : plan.Ends[id].Channels * (plan.ResidualLengths[id] / plan.Ends[id].KeptChannels);

        Memory<float>[] Allocate(int count, Func<BlockPlan, int, int> lengthOf) =>
        [
            .. Enumerable.Range(0, count).Select(i => AlignedMemory.Allocate(checked(examples * plans.Max(plan => lengthOf(plan, i))))),
        ];
    }

    internal long Bytes => sizeof(float)
        * ((long)_output.Length + _fromNext.Length + _forPrevious.Length + _chunk.Length
            + _sections.Concat(_residuals).Sum(m => (long)m.Length));

    /// <summary>
    /// The gradient of a block's output, in which the pass through the block begins; after it, the gradient of the block's input.
    /// </summary>
    internal Span<float> Output(BlockTile tile) => Error(tile)[..(tile.Examples * tile.Block.Output.Length)];

    /// <summary>The gradient of the input of a block's first affine layer, from which <see cref="LeaveForPrevious"/> goes on.</summary>
    internal Span<float> Entry(BlockTile tile)
    {
        Section section = tile.Block.Plan.Sections[tile.Block.Plan.FirstAffine - 1];
        return _sections[section.Place].Span[..(tile.Examples * section.Shape.Length)];
    }

    /// <summary>Sets the error of a tile to 0, before any loss is added.</summary>
    internal void Begin(BlockTile tile) => Output(tile).Clear();

    /// <summary>Adds the gradient of a block's local loss with respect to the block's output.</summary>
    internal void ReadLocalLoss(BlockTile tile)
    {
        Span<float> q = tile.FeatureGradient[..(tile.HeadRows * tile.Block.Channels)], error = Output(tile);
        _path!.BackThroughHead(tile.Block.Index, tile.Errors.Span, q, tile.HeadRows);
        int width = tile.Block.Channels;
        for (int row = 0; row < tile.Rows; row += Section.ChunkRows)
        {
            int rows = Math.Min(Section.ChunkRows, tile.Rows - row);
            Span<float> gradient = _chunk.Span[..(rows * width)], sum = error.Slice(row * width, rows * width);
            tile.PassBackThroughFeatures(row, gradient);
            TensorPrimitives.Add(sum, gradient, sum);
        }
    }

    /// <summary>Begins with the gradient of a block's local loss, given with respect to the pooled features.</summary>
    internal void ReadFeatureGradient(BlockTile tile) => tile.PassBackThroughFeatures(0, Output(tile));

    /// <summary>
    /// Differentiates a block that learns from its own loss and from the loss of the next block. First the own loss passes back to
    /// the block's input, for the block before. Then the own loss and the error from the next block pass back to the block's layers.
    /// </summary>
    internal void GoThroughOverlapping(BlockTile tile, bool first, bool last)
    {
        if (!first)
        {
            Begin(tile);
            ReadLocalLoss(tile);
            GoThrough(tile, toInput: true, ends: last);
            Error(tile)[..tile.Source.Length].CopyTo(_forPrevious.Span);
        }

        if (first || !last)
        {
            Begin(tile);
            ReadLocalLoss(tile);
            if (!last)
            {
                TensorPrimitives.Add(Output(tile), _fromNext.Span[..Output(tile).Length], Output(tile));
            }

            GoThrough(tile, toInput: false);
        }

        (_fromNext, _forPrevious) = (_forPrevious, _fromNext);
    }

    /// <summary>Begins with the gradient of the final head's loss with respect to the last block's output.</summary>
    internal void ReadFinalLoss(BlockTile tile)
    {
        Span<float> q = tile.FeatureGradient[..(tile.HeadRows * tile.Block.Channels)];
        _path!.BackThroughFinalHead(tile.FinalErrors.Span, q, tile.HeadRows);
        tile.PassBackThroughFinalNormalization(_model, q);
        tile.Spread(q, Output(tile));
    }

    /// <summary>
    /// Computes the output gradient of each affine layer of a block. If an earlier block receives the error, also replaces the gradient of
    /// this block's output by the gradient of the earlier block's output.
    /// </summary>
    /// <param name="tile">The tile in the block.</param>
    /// <param name="toInput">True if an earlier block receives the error.</param>
    /// <param name="ends">True if the layers learn from these gradients, so that they can be packed.</param>
    internal void GoThrough(BlockTile tile, bool toInput, bool ends = true)
    {
        BlockPlan plan = tile.Block.Plan;
        for (int k = plan.Sections.Length - 1; k >= plan.FirstAffine; k--)
        {
            Section section = plan.Sections[k];
            PassSteps(tile, section);
            if (k > plan.FirstAffine || toInput)
            {
                PassProduct(tile, section);
                if (ends && section.Layer is not null)
                {
                    tile.PackGradient(section.Layer.Place);
                }
            }
        }

        if (toInput)
        {
            LeaveForPrevious(tile);
        }
    }

    /// <summary>
    /// Computes the output gradient of a block's last affine layer from the gradient of the block's output. No weights are involved.
    /// </summary>
    internal void GoToLastLayer(BlockTile tile)
    {
        BlockPlan plan = tile.Block.Plan;
        for (int k = plan.Sections.Length - 1; k >= plan.SectionOf(plan.Layers.Length - 1).Place; k--)
        {
            PassSteps(tile, plan.Sections[k]);
            if (plan.Sections[k].Layer is null)
            {
                PassProduct(tile, plan.Sections[k]);
            }
        }
    }

    /// <summary>
    /// Carries the gradient of the first affine layer's input (<see cref="Entry"/>) back to the block's input, and adds the gradients of
    /// residuals that begin there.
    /// </summary>
    internal void LeaveForPrevious(BlockTile tile)
    {
        for (int k = tile.Block.Plan.FirstAffine - 1; k >= 0; k--)
        {
            PassSteps(tile, tile.Block.Plan.Sections[k]);
            PassProduct(tile, tile.Block.Plan.Sections[k]);
        }
    }

    /// <summary>Declares that the error holds the gradient of a residual's output, as a pass leaves it.</summary>
    internal void LeaveInError(int residual) => _inError[residual] = true;

    // The gradient behind the last section is the error. Behind any other section, it lies where the gradient of the product will be.
    private void PassSteps(BlockTile tile, Section section)
    {
        bool isLast = section.Place == tile.Block.Plan.Sections.Length - 1;
        int rows = tile.Examples * section.Shape.Positions, width = section.Shape.Channels;
        Span<float> gradient = GradientOf(tile, section), error = isLast ? Error(tile) : default;
        for (int row = 0; row < rows; row += Section.ChunkRows)
        {
            int count = Math.Min(Section.ChunkRows, rows - row), start = row * width, length = count * width;
            Span<float> result = gradient.Slice(start, length);
            PassSteps(tile, section, row, count, isLast ? error.Slice(start, length) : result, result);
        }
    }

    // Up to the end of a residual, the error itself changes, because it then is the gradient of the residual's input.
    private void PassSteps(BlockTile tile, Section section, int row, int rows, Span<float> error, Span<float> result)
    {
        Span<float> current = error;
        bool staysInError = current != result && section.EndsResidual;
        foreach (Step step in section.Backward)
        {
            switch (step)
            {
                case DerivableStep derivable:
                    Span<float> to = staysInError ? current : result;
                    derivable.ApplyTranspose(tile.Activations, row, rows, current, to);
                    current = to;
                    break;
                case AddStep add:
                    _inError[add.Residual] = staysInError;
                    if (!staysInError)
                    {
                        current.CopyTo(_residuals[add.Residual].Span[(row * add.Channels)..]);
                    }

                    staysInError = false;
                    break;
                case KeepStep keep:
                    if (current != result)
                    {
                        current.CopyTo(result);
                        current = result;
                    }

                    AddResidual(tile, keep, row, rows, current);
                    break;
                default:
                    break;
            }
        }

        if (current != result)
        {
            current.CopyTo(result);
        }
    }

    private void AddResidual(BlockTile tile, KeepStep keep, int row, int rows, Span<float> gradient)
    {
        AddStep end = tile.Block.Plan.Ends[keep.Residual];
        Span<float> source = _inError[keep.Residual] ? Error(tile) : _residuals[keep.Residual].Span;
        end.AddGradient(source.Slice(row * end.Channels, rows * end.Channels), gradient);
    }

    private void PassProduct(BlockTile tile, Section section)
    {
        int length = tile.Examples * section.InputShape.Length;
        Span<float> gradient = GradientOf(tile, section);
        Span<float> previous = section.Place == 0 ? Error(tile)[..length] : GradientOf(tile, tile.Block.Plan.Sections[section.Place - 1]);
        if (section.Layer is not null)
        {
            section.Layer.Map.ApplyTranspose(
                _path!.Layer(section.Layer),
                gradient,
                previous,
                tile.Examples * section.Shape.Positions,
                tile.Activations.Workspace.Span);
        }
        else if (section.Example is not null)
        {
            section.CarryBack(tile.Activations, tile.Examples, gradient, previous);
        }
        else
        {
            gradient.CopyTo(previous);
        }
    }

    private Span<float> GradientOf(BlockTile tile, Section section) => section.Layer is not null
        ? tile.Gradient(section.Layer.Place)
        : _sections[section.Place].Span[..(tile.Examples * section.Shape.Length)];

    private Span<float> Error(BlockTile tile) => (tile.OutputGradient.IsEmpty ? _output : tile.OutputGradient).Span;
}
