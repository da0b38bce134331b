using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>When a block answers in place of the readout, so that the blocks after it need not be run.</summary>
/// <remarks>Every block has a classifier, that of its local loss, so a network is trained to answer anywhere without more ado.</remarks>
public sealed record EarlyExit
{
    /// <summary>How large the largest probability of a block's head must be for it to answer; null, the default, for never.</summary>
    public double? Confidence { get; init; }

    /// <summary>The block that answers, from 0, if none before it has; null, the default, for the readout.</summary>
    public int? LastBlock { get; init; }
}

/// <summary>Tells what a model makes of images, one at a time, in one thread's memory.</summary>
public sealed class Predictor
{
    private readonly LocalMixer _model;
    private readonly EarlyExit _exit;
    private readonly ForwardPass _pass;
    private int? _answering;

    /// <summary>Allocates memory for one image.</summary>
    /// <param name="model">The model, packed (<see cref="LocalMixer.Pack(Onward.Threads.WorkerTeam)"/>).</param>
    /// <param name="exit">When a block answers; default never.</param>
    /// <exception cref="ArgumentException">The network's heads do not classify, or it has no such block.</exception>
    public Predictor(LocalMixer model, EarlyExit? exit = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _exit) = (model, exit ?? new EarlyExit());
        if (_exit != new EarlyExit() && model.Options.IsSelfSupervised)
        {
            throw new ArgumentException("The heads of this network do not classify, so no block can answer.", nameof(exit));
        }

        if (_exit.LastBlock is int last && (last < 0 || last >= model.Blocks.Count))
        {
            throw new ArgumentException($"The last block must be 0 to {model.Blocks.Count - 1}; got {last}.", nameof(exit));
        }

        _pass = new ForwardPass(model);
    }

    /// <summary>The probability of each class.</summary>
    /// <param name="image">A standardised image [row, column, channel].</param>
    /// <param name="probabilities">Receives the probabilities [class].</param>
    /// <returns>The block whose head answered; null for the readout.</returns>
    public int? Predict(ReadOnlySpan<float> image, Span<float> probabilities)
    {
        LocalMixerOptions options = _model.Options;
        if (image.Length != options.ImageSide * options.ImageSide * options.ImageChannels || probabilities.Length != options.Classes)
        {
            throw new ArgumentException(
                $"The model takes {options.ImageSide}x{options.ImageSide}x{options.ImageChannels} numbers and gives {options.Classes}; got {image.Length} and room for {probabilities.Length}.");
        }

        _answering = null;
        Span<float> outputs = _pass.Outputs.Span[..options.Classes];
        if (_pass.Run(image, 1, GoesOn))
        {
            _model.Readout.Apply(_model.Values, _pass.Features, outputs, 1);
            Softmax.Apply(outputs, outputs);
        }

        outputs.CopyTo(probabilities);
        return _answering;
    }

    // Leaves the probabilities of the block that answers.
    private bool GoesOn(MixerBlock block)
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
