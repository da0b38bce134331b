using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>Options of early exit: a block's head makes the prediction, and the following blocks are not run.</summary>
/// <remarks>Every block has a classifier, the head of its local loss. So a network needs no further training for early exit.</remarks>
public sealed record EarlyExit
{
    /// <summary>
    /// Probability of the most probable class at which a block makes the prediction. Null, the default, to never exit by
    /// confidence.
    /// </summary>
    public double? Confidence { get; init; }

    /// <summary>The block, from 0, whose head makes the prediction if no earlier block does. Null, the default, for the readout.</summary>
    public int? LastBlock { get; init; }
}

/// <summary>Predicts the class of images, one at a time, on one thread.</summary>
public sealed class Predictor
{
    private readonly Network _model;
    private readonly EarlyExit _exit;
    private readonly ForwardPass _pass;
    private readonly Func<NetworkBlock, bool> _goesOn;
    private int? _answering;

    /// <summary>Allocates memory for one image.</summary>
    /// <param name="model">The model, packed with <see cref="Network.Pack(Onward.Threads.WorkerTeam)"/>.</param>
    /// <param name="exit">Options of early exit; null for none.</param>
    /// <exception cref="ArgumentException">Early exit is requested for a network whose heads do not classify, or at a block that
    /// does not exist.</exception>
    public Predictor(Network model, EarlyExit? exit = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _exit) = (model, exit ?? new EarlyExit());
        if (_exit != new EarlyExit() && (model.IsSelfSupervised || model.Settings.PredictsNextToken))
        {
            throw new ArgumentException("The heads of this network do not classify, so there is no early exit.", nameof(exit));
        }

        if (_exit.LastBlock is int last && (last < 0 || last >= model.Blocks.Count))
        {
            throw new ArgumentException($"The last block must be 0 to {model.Blocks.Count - 1}; got {last}.", nameof(exit));
        }

        _pass = new ForwardPass(model);
        _goesOn = GoesOn;
    }

    /// <summary>Computes the probability of each class.</summary>
    /// <param name="image">A standardised image. [row, column, channel]</param>
    /// <param name="probabilities">
    /// Receives the probabilities [class]; of the next token at each position if the network predicts tokens [position, class].
    /// </param>
    /// <returns>The block whose head made the prediction; null for the readout.</returns>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public int? Predict(ReadOnlySpan<float> image, Span<float> probabilities)
    {
        if (image.Length != _model.Input.Length || probabilities.Length != _model.HeadRows * _model.Classes)
        {
            throw new ArgumentException(
                $"The model takes {_model.Input.Length} numbers ({_model.Input}) "
                + $"and gives {_model.HeadRows * _model.Classes}; got {image.Length} and room for {probabilities.Length}.");
        }

        _answering = null;
        Span<float> outputs = _pass.Outputs.Span[..(_model.HeadRows * _model.Classes)];
        if (_pass.Run(image, 1, _goesOn))
        {
            _model.Readout.Apply(_model.Values, _pass.Features, outputs, _model.HeadRows);
            for (int start = 0; start < outputs.Length; start += _model.Classes)
            {
                Span<float> row = outputs.Slice(start, _model.Classes);
                Softmax.Apply(row, row);
            }
        }

        outputs.CopyTo(probabilities);
        return _answering;
    }

    // Leaves the probabilities of the block in _pass.Outputs. Returns false if this block makes the prediction.
    private bool GoesOn(NetworkBlock block)
    {
        bool isLast = block.Index == _exit.LastBlock;
        if (_exit.Confidence is null && !isLast)
        {
            return true;
        }

        Span<float> outputs = _pass.Outputs.Span[..block.Head.Outputs];
        block.Head.Apply(_model.Values, _pass.Pooled, outputs, 1);
        Softmax.Apply(outputs, outputs);
        _answering = isLast || TensorPrimitives.Max<float>(outputs) >= _exit.Confidence ? block.Index : null;
        return _answering is null;
    }
}
