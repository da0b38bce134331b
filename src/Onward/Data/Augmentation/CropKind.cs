namespace Onward.Data.Augmentation;

/// <summary>How the part of an image that a view shows is chosen.</summary>
public enum CropKind
{
    /// <summary>The whole image.</summary>
    Whole,

    /// <summary>The image with zeros around it, from which a rectangle of the image's own size is cut at random (spec 6.1).</summary>
    Padded,

    /// <summary>A rectangle of random area and shape, brought to the size of the view by bicubic interpolation (spec 5.2).</summary>
    Area,
}
