using Onward.Models;

namespace Onward.Training;

/// <summary>A parameter that an update changes.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Decays">True if weight decay applies.</param>
/// <param name="RateScale">Factor applied to the learning rate.</param>
public readonly record struct TrainedParameter(Parameter Parameter, bool Decays, double RateScale = 1)
{
    /// <summary>
    /// The parameters that training updates: all of them, except the readout of a self-supervised network, which is trained
    /// separately.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="options">The training options.</param>
    /// <param name="frozen">The blocks whose parameters no update changes; null for none.</param>
    internal static TrainedParameter[] Of(Network model, TrainingOptions options, IReadOnlyList<int>? frozen = null)
    {
        HashSet<Parameter> still = [.. (frozen ?? []).SelectMany(block => ParametersOf(model.Blocks[block]))];
        TrainedParameter[] all = model.IsSelfSupervised ? WithoutLabels(model) : WithLabels(model, options.ReadoutRateScale);
        return [.. all.Where(trained => !still.Contains(trained.Parameter))];
    }

    private static IEnumerable<Parameter> ParametersOf(NetworkBlock block) =>
        block.Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }).Append(block.Head.Weight).Append(block.Head.Bias);

    private static TrainedParameter[] WithLabels(Network model, double readoutScale) =>
    [
        .. model.Values.Layout.Parameters.Select(
            parameter => new TrainedParameter(parameter, parameter.IsMatrix, IsReadout(model, parameter) ? readoutScale : 1)),
    ];

    // Weight decay applies only to the weight matrices of the blocks' layers (paper's code).
    private static TrainedParameter[] WithoutLabels(Network model)
    {
        HashSet<Parameter> layers = [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight)];
        return
        [
            .. model.Values.Layout.Parameters.Where(parameter => !IsReadout(model, parameter))
                .Select(parameter => new TrainedParameter(parameter, layers.Contains(parameter))),
        ];
    }

    private static bool IsReadout(Network model, Parameter parameter) =>
        parameter == model.Readout.Weight || parameter == model.Readout.Bias;
}
