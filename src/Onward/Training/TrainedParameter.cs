using Onward.Models;

namespace Onward.Training;

/// <summary>A parameter that an update touches.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Decays">Whether weight decay applies.</param>
/// <param name="RateScale">What the learning rate is multiplied by.</param>
public readonly record struct TrainedParameter(Parameter Parameter, bool Decays, double RateScale = 1)
{
    /// <summary>What training changes of a model: all, but for the readout of a network without labels, which learns apart.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How it is trained.</param>
    internal static TrainedParameter[] Of(LocalMixer model, TrainingOptions options) =>
        model.Options.IsSelfSupervised ? WithoutLabels(model) : WithLabels(model, options.ReadoutRateScale);

    private static TrainedParameter[] WithLabels(LocalMixer model, double readoutScale) =>
    [
        .. model.Values.Layout.Parameters.Select(
            parameter => new TrainedParameter(parameter, parameter.IsMatrix, IsReadout(model, parameter) ? readoutScale : 1)),
    ];

    // Only the matrices of the blocks' layers decay (spec 5).
    private static TrainedParameter[] WithoutLabels(LocalMixer model)
    {
        HashSet<Parameter> layers = [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight)];
        return
        [
            .. model.Values.Layout.Parameters.Where(parameter => !IsReadout(model, parameter))
                .Select(parameter => new TrainedParameter(parameter, layers.Contains(parameter))),
        ];
    }

    private static bool IsReadout(LocalMixer model, Parameter parameter) =>
        parameter == model.Readout.Weight || parameter == model.Readout.Bias;
}
